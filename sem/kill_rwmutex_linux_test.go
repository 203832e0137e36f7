package sem_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/killstep"
	"github.com/shmkit/shmkit/internal/owner"
	"github.com/shmkit/shmkit/internal/park"
	"github.com/shmkit/shmkit/internal/proctest"
)

// between puts f between the marks.
func between(f func()) {
	killstep.Begin()
	f()
	killstep.End()
}

func markedTry(try func() bool) (err error) {
	between(func() {
		if !try() {
			err = errors.New("Try… failed")
		}
	})
	return err
}

func markedWait(wait func(context.Context) error) (err error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	between(func() { err = wait(ctx) })
	return err
}

// markedGiveUp waits in vain.
func markedGiveUp(wait func(context.Context) error) (err error) {
	park.SetSlice(time.Hour) // the thread must block for its timer to be let go
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	between(func() { err = wait(ctx) })
	if errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return fmt.Errorf("it waits in vain: %w", err)
}

// rwsteps are what is killed: an operation between the marks.
var rwsteps = map[string]func(l *rwlab) error{
	"rlock":        func(l *rwlab) error { between(l.RW.RLock); return nil },
	"rlock again":  func(l *rwlab) error { l.RW.RLock(); between(l.RW.RLock); return nil },
	"rlockcontext": func(l *rwlab) error { return markedWait(l.RW.RLockContext) },
	"rlock vain":   func(l *rwlab) error { return markedGiveUp(l.RW.RLockContext) },
	"tryrlock":     func(l *rwlab) error { return markedTry(l.RW.TryRLock) },
	"runlock":      func(l *rwlab) error { l.RW.RLock(); l.await(l.drainWaited); between(l.RW.RUnlock); return nil },
	"runlock one": func(l *rwlab) error {
		l.RW.RLock()
		l.RW.RLock()
		between(l.RW.RUnlock)
		return nil
	},
	"lock":        func(l *rwlab) error { between(l.RW.Lock); return nil },
	"lockcontext": func(l *rwlab) error { return markedWait(l.RW.LockContext) },
	"lock vain":   func(l *rwlab) error { return markedGiveUp(l.RW.LockContext) },
	"trylock":     func(l *rwlab) error { return markedTry(l.RW.TryLock) },
	"unlock":      func(l *rwlab) error { l.RW.Lock(); l.await(l.writerWaited); between(l.RW.Unlock); return nil },
}

// await waits for somebody else's sleep, where the test has announced one.
func (l *rwlab) await(asleep func() bool) {
	if l.Stage.Load() == sleeperComes {
		until(asleep)
		time.Sleep(2 * time.Millisecond)
	}
}

const sleeperComes = 7

var _ = proctest.Register("rwstep", func(args []string) int {
	l := enterRW(args)
	l.warm()
	if err := rwsteps[args[1]](l); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
})

// rwkills describes a sweep of one operation in l, from what prepare makes.
func rwkills(l *rwlab, text, op string, prepare func()) killstep.Config {
	return killstep.Config{
		Victim: "rwstep", Args: []string{text, op}, Watch: l.words,
		Prepare: func() []string { l.reset(0, 0); prepare(); return nil },
	}
}

// thorough reports whether this is the long form of a run.
func thorough() bool { return os.Getenv("SHMKIT_KILLS") != "" }

// points are all instructions of a region that is short and often walked, or in the long form; else those
// between which others see a difference.
func points(short bool) killstep.Points {
	if short || thorough() {
		return killstep.All
	}
	return killstep.Distinct
}

// Nobody else is there.
func TestKillRWMutexAlone(t *testing.T) {
	reads := func(n int) func(*rwlab) bool { return func(l *rwlab) bool { return l.readers(0) == n } }
	writes := func(yes bool) func(*rwlab) bool { return func(l *rwlab) bool { return l.written() == yes } }
	for i, c := range []struct {
		op   string
		word uint32
		done func(l *rwlab) bool
	}{
		{"rlock", 0, reads(1)}, // the first three: every instruction
		{"runlock", 0, reads(0)},
		{"unlock", 0, writes(false)},
		{"lock", 0, writes(true)},
		{"rlock", bitA, reads(1)},
		{"rlock again", 0, reads(2)},
		{"rlockcontext", 0, reads(1)},
		{"tryrlock", bitH, reads(1)},
		{"runlock one", 0, reads(1)},
		{"lockcontext", 0, writes(true)},
		{"trylock", bitA | bitW, writes(true)},
		{"unlock", bitA, writes(false)},
	} {
		t.Run(fmt.Sprintf("%s %#b", c.op, c.word), func(t *testing.T) {
			l, text := newRWLab(t)
			var p pace
			k := rwkills(l, text, c.op, func() { atomic.StoreUint32(l.word(), c.word) })
			k.Points = points(i < 3)
			k.Check = func(at killstep.Point) error {
				p.deed(at, c.done(l))
				return p.surviveRW(l, at.Steps%2 == 0)
			}
			killstep.Run(t, k)
			p.judge(t)
			p.oneInstant(t)
		})
	}
}

// A lock of the dead is in the way of one who is killed as well.
func TestKillRWMutexHeir(t *testing.T) {
	long(t)
	for i, c := range []struct {
		op     string
		writer bool
		places int
	}{
		{"rlock", true, 0}, {"lock", false, 2}, {"tryrlock", true, rwPlaces},
		{"rlock", false, rwPlaces}, {"lock", true, 0}, {"trylock", true, 1},
	} {
		if i > 2 && !thorough() {
			break
		}
		t.Run(fmt.Sprintf("%s %v %d", c.op, c.writer, c.places), func(t *testing.T) {
			l, text := newRWLab(t)
			var p pace
			k := rwkills(l, text, c.op, func() {
				l.fill(claim(ghost(), 3), c.places)
				if c.writer {
					atomic.StoreUint32(l.word(), ghost())
				}
			})
			k.Points, k.Sample = killstep.Distinct, 4
			k.Check = func(at killstep.Point) error { return p.surviveRW(l, at.Events%2 == 0) }
			killstep.Run(t, k)
			p.judge(t)
		})
	}
}

// Somebody of this process sleeps when the holder is killed as it unlocks.
func TestKillRWMutexUnlockWithSleeper(t *testing.T) {
	for _, c := range []struct {
		op    string
		there func(l *rwlab) func() bool // the victim is inside
		wait  func(l *rwlab) func(context.Context) error
		leave func(l *rwlab) func()
	}{
		{"runlock", reading, func(l *rwlab) func(context.Context) error { return l.RW.LockContext }, func(l *rwlab) func() { return l.RW.Unlock }},
		{"unlock", writing, func(l *rwlab) func(context.Context) error { return l.RW.LockContext }, func(l *rwlab) func() { return l.RW.Unlock }},
		{"unlock", writing, func(l *rwlab) func(context.Context) error { return l.RW.RLockContext }, func(l *rwlab) func() { return l.RW.RUnlock }},
	} {
		t.Run(c.op, func(t *testing.T) {
			l, text := newRWLab(t)
			var p pace
			var got chan error
			k := rwkills(l, text, c.op, func() {
				l.Stage.Store(sleeperComes)
				got = later(c.there(l), c.wait(l))
			})
			k.Points = points(false)
			k.Check = func(at killstep.Point) error {
				start := time.Now()
				err := <-got
				p.took(time.Since(start))
				if err != nil {
					return err
				}
				abandoned := l.RW.Abandoned()
				if c.op == "unlock" {
					p.deed(at, !abandoned)
				} else if abandoned {
					return errors.New("abandoned by a reader")
				}
				c.leave(l)()
				l.RW.Lock()
				return l.normal()
			}
			killstep.Run(t, k)
			p.judge(t)
			p.oneInstant(t)
		})
	}
}

func reading(l *rwlab) func() bool { return func() bool { return l.readers(0) != 0 } }
func writing(l *rwlab) func() bool { return l.written }

// later waits, once it is time to.
func later(time func() bool, wait func(context.Context) error) chan error {
	got := make(chan error, 1)
	go func() {
		until(time)
		ctx, cancel := context.WithTimeout(context.Background(), ever)
		defer cancel()
		got <- wait(ctx)
	}()
	return got
}

// The victim waits for this process, which lets it in, or keeps the lock for longer than it has patience.
func TestKillRWMutexWaiter(t *testing.T) {
	long(t)
	for i, c := range []struct {
		op           string
		write, leave bool
	}{
		{"rlockcontext", true, true}, {"lockcontext", false, true}, {"rlock vain", true, false},
		{"lockcontext", true, true}, {"lock vain", false, false},
	} {
		if i > 1 && !thorough() {
			break
		}
		t.Run(fmt.Sprintf("%s %v", c.op, c.write), func(t *testing.T) {
			l, text := newRWLab(t)
			var p pace
			var stop func()
			k := rwkills(l, text, c.op, func() { stop = l.occupy(c.write, c.leave) })
			k.Points, k.Sample = killstep.Distinct, 4
			k.Check = func(at killstep.Point) error {
				stop()
				return p.surviveRW(l, at.Events%2 == 0)
			}
			killstep.Run(t, k)
			p.judge(t)
		})
	}
}

// occupy holds the lock until stop, or, if it is to leave, until somebody has waited for some time.
func (l *rwlab) occupy(write, leave bool) (stop func()) {
	lock, unlock, waited := l.RW.RLock, l.RW.RUnlock, l.drainWaited
	if write {
		lock, unlock, waited = l.RW.Lock, l.RW.Unlock, l.writerWaited
	}
	lock()
	var ended atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		until(func() bool { return ended.Load() || leave && waited() })
		if !ended.Load() {
			time.Sleep(10 * time.Millisecond)
		}
		unlock()
	}()
	return func() { ended.Store(true); <-done }
}

// The victim stands still at every point, and counts as alive: what it holds it keeps, and it goes on as if
// nothing had happened.
func TestFreezeRWMutex(t *testing.T) {
	for _, c := range []struct {
		op   string
		dead bool // readers were there before
	}{{"rlock", false}, {"rlock again", false}, {"runlock", false}, {"lock", false}, {"unlock", false}, {"lock", true}} {
		if c.dead && !thorough() {
			break
		}
		t.Run(fmt.Sprint(c.op, c.dead), func(t *testing.T) {
			l, text := newRWLab(t)
			var p pace
			ghosts := ghost()
			k := rwkills(l, text, c.op, func() {
				if c.dead {
					l.fill(claim(ghosts, 1), 2)
				}
			})
			k.Action, k.Points, k.Sample = killstep.Freeze, killstep.Distinct, 6
			k.Check = func(at killstep.Point) error {
				others := l.readers(0) - l.readers(ghosts>>ownerAt) - l.readers(owner.ID())
				if at.Frozen && (l.written() || others != 0) {
					return respectRW(l)
				}
				return p.surviveRW(l, at.Events%2 == 0)
			}
			k.After = func(at killstep.Point) error { return p.surviveRW(l, at.Events%2 == 0) }
			killstep.Run(t, k)
			p.judge(t)
		})
	}
}

package sem_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/killstep"
	"github.com/shmkit/shmkit/sem"
)

func init() {
	acts["rlock"] = func(y *yard) error {
		o := y.R.Owner()
		return marked(func() error { o.Lock(); o.Lock(); return nil })
	}
	acts["runlock"] = func(y *yard) error {
		o := y.R.Owner()
		o.Lock()
		o.Lock()
		y.Runs[0].Store(1)
		if y.Stop.Load() == 0 {
			until(func() bool { return y.get(rmutexAt)&bitW != 0 })
		}
		return marked(func() error { o.Unlock(); o.Unlock(); return nil })
	}
}

// Killed at each point of locking and unlocking twice, with a sleeper and without: the next owner gets it,
// abandoned if the victim held it.
func TestKillRMutex(t *testing.T) {
	for _, act := range []string{"rlock", "runlock", "runlock beside a sleeper"} {
		t.Run(act, func(t *testing.T) {
			y, text := newYard(t, short)
			var p pace
			sleeper := act == "runlock beside a sleeper"
			var got <-chan error
			lock := func() error {
				ctx, cancel := context.WithTimeout(context.Background(), ever)
				defer cancel()
				o := y.R.Owner()
				if err := o.LockContext(ctx); err != nil {
					return err
				}
				defer o.Unlock()
				if o.Abandoned() {
					y.Runs[1].Add(1)
					o.Repaired()
				}
				if y.get(depthAt) != 1 || o.Depth() != 1 {
					return fmt.Errorf("depth %d, and for others %d", o.Depth(), y.get(depthAt))
				}
				return nil
			}
			k := sweep(y, text, act[:min(len(act), 7)], func() {
				if sleeper {
					got = background(func() error { until(func() bool { return y.Runs[0].Load() != 0 }); return lock() })
				} else {
					y.Stop.Store(1)
				}
			})
			if k.Args[1] == "rlock" || !sleeper {
				k.Points, k.Sample = killstep.Distinct, 6
			} else {
				k.Points = killstep.Random(killstep.Budget(40), uint64(time.Now().UnixNano()))
			}
			k.Check = func(at killstep.Point) error {
				held := byOther(y.get(rmutexAt))
				if !sleeper {
					got = background(lock)
				}
				if err := p.returns(got, "the next owner"); err != nil {
					return err
				}
				if !sleeper && held != (y.Runs[1].Load() == 1) {
					return fmt.Errorf("held by a dead one: %v, abandoned %d times", held, y.Runs[1].Load())
				}
				return p.returns(background(lock), "one more")
			}
			killstep.Run(t, k)
			p.judge(t)
		})
	}
}

func init() {
	acts["rlockcontext"] = func(y *yard) error { return markedWait(y.R.Owner().LockContext) }
	acts["rlock vain"] = func(y *yard) error { return markedGiveUp(y.R.Owner().LockContext) }
	acts["rtrylock"] = func(y *yard) error { return markedTry(y.R.Owner().TryLock) }
}

// surviveR is what everybody expects after a death: the next owner gets it at depth 1, abandoned or not as was says,
// and once it is repaired all is as before.
func (p *pace) surviveR(y *yard, was bool) error {
	o := y.R.Owner()
	if err := p.gain("lock", o.LockContext); err != nil {
		return err
	}
	if is := o.Abandoned(); is != was || o.Depth() != 1 || y.get(depthAt) != 1 {
		return fmt.Errorf("abandoned %v, depth %d, and for others %d", is, o.Depth(), y.get(depthAt))
	}
	o.Repaired()
	o.Unlock()
	if !o.TryLock() {
		return errors.New("TryLock fails on a free lock")
	}
	defer o.Unlock()
	if o.Abandoned() {
		return errors.New("abandoned after Repaired")
	}
	return nil
}

// The victim waits for an owner of this process, who lets go, twice, or keeps the lock for longer than it has
// patience: killed as it waits, as it is woken, and when it has it.
func TestKillRMutexWaiter(t *testing.T) {
	long(t)
	for _, act := range []string{"rlockcontext", "rlock vain"} {
		if act != "rlockcontext" && !thorough() {
			break
		}
		t.Run(act, func(t *testing.T) {
			y, text := newYard(t, short)
			var p pace
			var over *atomic.Bool
			var gone <-chan error
			k := sweep(y, text, act, func() {
				o := y.R.Owner()
				o.Lock()
				o.Lock()
				over = new(atomic.Bool)
				over := over
				gone = background(func() error {
					until(func() bool { return over.Load() || act == "rlockcontext" && y.get(rmutexAt)&bitW != 0 })
					if !over.Load() {
						time.Sleep(8 * time.Millisecond)
					}
					o.Unlock()
					o.Unlock()
					return nil
				})
			})
			k.Points, k.Sample = killstep.Distinct, 4
			k.Check = func(at killstep.Point) error {
				over.Store(true)
				if err := <-gone; err != nil {
					return err
				}
				return p.surviveR(y, byOther(y.get(rmutexAt)))
			}
			killstep.Run(t, k)
			p.judge(t)
		})
	}
}

// A dead owner has it, at depth 3, and who takes over is killed as well: it stays abandoned.
func TestKillRMutexRecoverer(t *testing.T) {
	long(t)
	for i, c := range []struct {
		act  string
		bits uint32
	}{{"rlock", bitW}, {"rtrylock", 0}, {"rlockcontext", bitA}} {
		if i > 1 && !thorough() {
			break
		}
		t.Run(fmt.Sprintf("%s %#b", c.act, c.bits), func(t *testing.T) {
			y, text := newYard(t, short)
			var p pace
			var dead uint32
			k := sweep(y, text, c.act, func() {
				dead = ghost()
				y.set(depthAt, 3)
				y.set(rmutexAt, dead|c.bits)
			})
			k.Points, k.Sample = killstep.Distinct, 4
			k.Check = func(at killstep.Point) error {
				w := y.get(rmutexAt)
				if w>>ownerAt == 0 || w>>ownerAt != dead>>ownerAt && w&bitA == 0 {
					return fmt.Errorf("word %#x, and the first one died holding it", w)
				}
				p.deed(at, w>>ownerAt != dead>>ownerAt)
				return p.surviveR(y, true)
			}
			killstep.Run(t, k)
			p.judge(t)
		})
	}
}

// An owner of this process sleeps when the victim is killed anywhere in the Unlock that lets go: it comes in, and
// finds it abandoned unless that was done.
func TestKillRMutexLastUnlock(t *testing.T) {
	y, text := newYard(t, short)
	var p pace
	var got <-chan error
	o := new(sem.Owner)
	k := sweep(y, text, "runlock last", func() {
		o = y.R.Owner()
		owner := o
		got = background(func() error {
			until(func() bool { return y.Runs[0].Load() != 0 })
			return owner.LockContext(context.Background())
		})
	})
	k.Points = killstep.Distinct
	k.Check = func(at killstep.Point) error {
		if err := p.returns(got, "the sleeper"); err != nil { // from the death on: the victim goes step by step before it
			return err
		}
		abandoned := o.Abandoned()
		p.deed(at, !abandoned)
		o.Unlock()
		return p.surviveR(y, abandoned)
	}
	killstep.Run(t, k)
	p.judge(t)
	p.oneInstant(t)
}

func init() {
	acts["runlock last"] = func(y *yard) error {
		o := y.R.Owner()
		o.Lock()
		y.Runs[0].Store(1)
		until(func() bool { return y.get(rmutexAt)&bitW != 0 })
		time.Sleep(2 * time.Millisecond)
		return marked(func() error { o.Unlock(); return nil })
	}
}

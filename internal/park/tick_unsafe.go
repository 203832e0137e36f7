package park

import (
	"runtime/debug"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/shmkit/shmkit/internal/owner"
)

var slice atomic.Int64

func init() { slice.Store(int64(45 * time.Millisecond)) }

// SetSlice changes how long the carrier sleeps, and so how late a death is noticed: a knob for tests, to be
// turned while nobody sleeps.
func SetSlice(d time.Duration) {
	slice.Store(int64(d))
	clock.due.Store(now() + int64(d))
}

// Slice is how long the carrier sleeps.
func Slice() time.Duration { return time.Duration(slice.Load()) }

var clock struct {
	sleepers atomic.Int32 // leaders that are lying down
	carrier  atomic.Bool  // one of them, or of those just up, has the time limit
	backup   atomic.Bool  // a timer runs, for sleepers whose carrier has left
	due      atomic.Int64 // when the next look is due, see now: one a slice, whoever makes it
	ticks    atomic.Uint64
}

var epoch = time.Now()

func now() int64 { return int64(time.Since(epoch)) }

// Ticks counts the slices that ran out in this process.
func Ticks() uint64 { return clock.ticks.Load() }

// lieDown enters a sleeper and returns its time limit: what is left of the slice if it carries it, else 0.
// Who carries the slice does so until it leaves the lot, also while it is up for a look: a timer for the
// moment in between would cost more than all the rest.
func (w *Waiter) lieDown() time.Duration {
	if w.carries {
		clock.sleepers.Add(1)
		return untilDue()
	}
	enter()
	if clock.carrier.CompareAndSwap(false, true) {
		w.carries = true
		return untilDue()
	}
	return 0
}

// enter counts a sleeper. With the first one after a long time a slice begins. Not with each first one: where
// the only sleeper is woken for nothing all the time, the slice would never be over.
func enter() {
	if clock.sleepers.Add(1) != 1 {
		return
	}
	if t, s := now(), int64(Slice()); t-clock.due.Load() >= s {
		clock.due.Store(t + s)
	}
}

// isDue reports whether the caller, who carries the slice and has been woken before it was over, is to look all
// the same: it may be woken too often to be left in peace for a slice.
func (w *Waiter) isDue() bool { return w.carries && now() >= clock.due.Load() }

// untilDue is not zero, which would be no limit; not even where somebody else is about to look.
func untilDue() time.Duration {
	return max(time.Duration(clock.due.Load()-now()), Slice()/16, 1)
}

func lieDownPolled() {
	enter()
	if !clock.carrier.Load() {
		backup()
	}
}

func getUp() { clock.sleepers.Add(-1) }

// putDown ends the carrier's task. It puts the role down first and looks for others second, a sleeper counts
// itself first and looks for a carrier second: so one of them sees the other, and the sleepers that stay
// behind get a timer in its place. Timers are few: one a slice, however often carriers change.
func (w *Waiter) putDown() {
	if !w.carries {
		return
	}
	w.carries = false
	clock.carrier.Store(false)
	if clock.sleepers.Load() > 0 {
		backup()
	}
}

// patience limits the timer, which may have been set when the slice was longer.
const patience = 50 * time.Millisecond

func backup() {
	if clock.backup.CompareAndSwap(false, true) {
		time.AfterFunc(min(untilDue(), patience), func() {
			clock.backup.Store(false)
			if clock.sleepers.Load() == 0 {
				return
			}
			tick()
			if !clock.carrier.Load() {
				backup()
			}
		})
	}
}

// tick looks for all, unless somebody has looked within the slice: a timer may run beside a new carrier.
func tick() {
	due, t := clock.due.Load(), now()
	if t >= due && clock.due.CompareAndSwap(due, t+int64(Slice())) {
		tickAll()
	}
}

// Tick is one look for all sleepers of the process. It remembers who was found alive or dead, so that
// each distinct holder is asked once.
type Tick struct {
	asked map[asked]bool
}

type asked struct {
	region *owner.Region
	id     uint32
}

// Dead reports whether the process id, named in a word at p, is dead.
func (t *Tick) Dead(p unsafe.Pointer, id uint32) bool {
	if id == 0 || id == owner.ID() {
		return false
	}
	r := owner.Find(p)
	if r == nil {
		return false
	}
	k := asked{r, id}
	dead, known := t.asked[k]
	if !known {
		dead = !r.Alive(id)
		if t.asked == nil {
			t.asked = make(map[asked]bool)
		}
		t.asked[k] = dead
	}
	return dead
}

// tickAll pokes every sleeper whose word has changed without waking it, or names a dead process.
func tickAll() {
	clock.ticks.Add(1)
	var t Tick
	for i := range lot {
		s := &lot[i]
		s.mu.Lock()
		for _, q := range s.queues {
			w := q.leader
			if how := w.state.Load(); how != awake && t.stale(w) {
				w.poke(how)
			}
		}
		s.mu.Unlock()
	}
}

// stale looks at a sleeper's words. The memory may be gone (a file that was cut short): then the sleeper
// has to find that out itself.
func (t *Tick) stale(w *Waiter) (stale bool) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if recover() != nil {
			stale = true
		}
	}()
	return atomic.LoadUint32(w.word) != w.old.Load() || w.look.Stale(t)
}

// peek loads a word that may be gone.
func peek(word *uint32) (v uint32, ok bool) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() { _ = recover() }()
	return atomic.LoadUint32(word), true
}

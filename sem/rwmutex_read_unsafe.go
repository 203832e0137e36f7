package sem

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/shmkit/shmkit/internal/park"
	"github.com/shmkit/shmkit/internal/race"
)

// How readers move. The writer's word is a Mutex's, with its transitions; a place is a cell:
//
//	enter      0 → (me, 1), (me, n) → (me, n+1)    then load the writer's word: nobody there, inside
//	step back  (me, n+1) → (me, n), (me, 1) → 0    somebody is: ring the drain, sleep on his word
//	leave      the same, and ring the drain
//	take over  (dead, n) → (me, 1)                 a place, when there is none
//	a dead writer's word (dead, H, W, A) → (0, H, 0, 1), then wake one
//
// The reader's swap and load and the writer's swap and loads (he takes his word, then looks at the places)
// are of one total order: either the reader sees the writer and steps back, or the writer sees the reader
// and waits.
//
// A reader without a place announces himself at the drain, looks at all places once more, and sleeps there.
// One who slept on the writer's word passes the wake-up on when he is inside, or before he sleeps elsewhere:
// Unlock wakes one, and behind a reader there may be more.
//
// Who repairs what: killed anywhere with a place, a waiting writer's slice buries it, or that of a reader
// without a place takes it over. Killed between the swap that frees a place and the ring: who sleeps at the
// drain finds the place on its slice. Killed after a dead writer's word was freed, or woken and then killed:
// the word differs from what the sleepers sleep on.

// reading is one goroutine's attempt to read.
type reading struct {
	locking // of the writer's word, which a reader waits for and does not take
	rw      *RWMutex
}

// verdict is how an attempt ended.
type verdict int

const (
	inside  verdict = iota
	barred          // by a writer
	crowded         // all places are taken
)

func (rw *RWMutex) places() cells {
	return cells{&rw.readers[0].cell, places, unsafe.Sizeof(place{})}
}

func another(v uint64) (uint64, bool) { return v + one, isMine(v) }

func anotherOrFirst(v uint64) (uint64, bool) {
	if isMine(v) {
		return v + one, true
	}
	return mine() | one, unclaimed(v)
}

// enter takes a place: one that the process has, a free one, or, if it is time to ask, a dead one's.
func (rw *RWMutex) enter(look bool) bool {
	if v := atomic.LoadUint64(rw.home()); isMine(v) && atomic.CompareAndSwapUint64(rw.home(), v, v+one) {
		return true
	}
	c := rw.places()
	i := c.move(another)
	if i < 0 {
		i = c.move(anotherOrFirst)
	}
	if i < 0 && look {
		i = c.move(func(v uint64) (uint64, bool) { return mine() | one, c.dead(v) })
	}
	if i >= 0 && !isMine(atomic.LoadUint64(rw.home())) {
		atomic.StoreUint32(&usual, uint32(i))
	}
	return i >= 0
}

// exit gives one of the process's read locks back, and reports whether it had any. It looks at the places in
// the order in which others of the process do, so none is missed while they come and go: whoever has passed
// a place has seen it without a lock of the process, and all of them, its own too, further on. That holds but
// for the moment in which the process's usual place changes, hence more than one look.
func (rw *RWMutex) exit() bool {
	for range 100 {
		if rw.exitOnce() {
			return true
		}
		runtime.Gosched()
	}
	return false
}

func (rw *RWMutex) exitOnce() bool {
	if v := atomic.LoadUint64(rw.home()); isMine(v) && note(v) > 1 && atomic.CompareAndSwapUint64(rw.home(), v, v-one) {
		return true
	}
	freed := false
	i := rw.places().move(func(v uint64) (uint64, bool) {
		if freed = note(v) == 1; freed {
			return 0, isMine(v)
		}
		return v - one, isMine(v) && note(v) != 0
	})
	if i >= 0 && freed {
		rw.drain.ring(all)
	}
	return i >= 0
}

// open reports whether no writer is there. It puts an end to a dead one if it is time to ask.
func (r *reading) open() bool {
	for {
		w := atomic.LoadUint32(&r.m.mutex)
		if w>>ownerShift == 0 {
			return true
		}
		if !r.look || !r.m.dead(w) {
			return false
		}
		if atomic.CompareAndSwapUint32(&r.m.mutex, w, w&handoff|abandoned) {
			r.m.wakeOne()
		}
	}
}

// try goes inside if no writer is there and a place is to be had.
func (r *reading) try() verdict {
	switch {
	case !r.open():
		return barred
	case !r.rw.enter(r.look):
		return crowded
	case !r.open():
		r.rw.exit()
		return barred
	}
	return inside
}

func (r *reading) tryNow() bool { return r.try() == inside }

// rlock spins, then parks until it is inside or ctx ends.
func (rw *RWMutex) rlock(ctx context.Context) error {
	r := reading{locking{m: &rw.rwmutex}, rw}
	site := siteOf(unsafe.Pointer(rw.home()))
	v := r.try()
	if v == inside || site.SpinAway(r.tryNow) {
		return nil
	}
	r.since, r.look = time.Now(), site.mayAsk() // the context may end before the first slice
	for v != inside {
		var err error
		if v == barred {
			v, err = r.awaitWriter(ctx)
		} else {
			v, err = r.awaitPlace(ctx)
		}
		if v != inside && err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// awaitWriter sleeps on the writer's word until nobody is there.
func (r *reading) awaitWriter(ctx context.Context) (verdict, error) {
	w := park.Join(ctx, &r.m.mutex, r.m)
	defer w.Leave()
	for {
		if v := r.try(); v != barred {
			r.passOn()
			return v, nil
		}
		word, there := r.announce()
		r.look = false
		switch {
		case !there:
			if ctx.Err() != nil {
				r.m.leave(word, true)
				return barred, ctx.Err()
			}
			continue
		case !w.Leading():
			if !w.Lead() {
				return barred, ctx.Err()
			}
			r.slept = true
			continue
		}
		switch w.Sleep(word) {
		case park.Woken:
			r.slept = true
		case park.Look: // a look may hide a wake-up that came with it
			r.slept, r.look = true, true
		case park.Done:
			r.m.leave(word, r.slept)
			return barred, ctx.Err()
		}
	}
}

// announce sets W, and H for one who has waited long, while a writer is there.
func (r *reading) announce() (sleepOn uint32, there bool) {
	for {
		w := atomic.LoadUint32(&r.m.mutex)
		if w>>ownerShift == 0 {
			return w, false
		}
		to := w | waiting
		if r.aged() {
			to |= handoff
		}
		if to == w || atomic.CompareAndSwapUint32(&r.m.mutex, w, to) {
			return to, true
		}
	}
}

// passOn wakes the next who sleeps on the writer's word, if the wake-up that came here may have been meant for
// more than a reader. H goes with the old one that set it.
func (r *reading) passOn() {
	if !r.slept {
		return
	}
	r.slept = false
	for w := atomic.LoadUint32(&r.m.mutex); w&handoff != 0 && r.aged(); w = atomic.LoadUint32(&r.m.mutex) {
		if atomic.CompareAndSwapUint32(&r.m.mutex, w, w&^handoff) {
			break
		}
	}
	r.m.wakeOne()
}

// awaitPlace sleeps at the drain until there is a place.
func (r *reading) awaitPlace(ctx context.Context) (verdict, error) {
	bell := &r.rw.drain
	w := park.Join(ctx, &bell.word, (*placeSeeker)(r.rw))
	defer w.Leave()
	for {
		word := bell.announce()
		if v := r.try(); v != crowded {
			return v, nil
		}
		r.look = false
		if !w.Leading() {
			if !w.Lead() {
				return crowded, ctx.Err()
			}
			continue
		}
		switch w.Sleep(word) {
		case park.Look:
			r.look = true
		case park.Done: // all were woken: there is nothing to pass on
			return crowded, ctx.Err()
		}
	}
}

// placeSeeker is an RWMutex to readers without a place.
type placeSeeker RWMutex

// Stale implements park.Looker: a place is free, or a dead one's.
func (p *placeSeeker) Stale(t *park.Tick) bool {
	rw := (*RWMutex)(p)
	for i := range rw.readers {
		if v := atomic.LoadUint64(&rw.readers[i].cell); unclaimed(v) || isMine(v) {
			return true
		}
	}
	return rw.places().stale(t)
}

// rlockSlow keeps RLock small. in says that it has a place, and has seen a writer.
//
//go:noinline
func (rw *RWMutex) rlockSlow(in bool) {
	if in {
		rw.exit()
	}
	_ = rw.rlock(context.Background())
}

//go:noinline
func (rw *RWMutex) rlockContextSlow(ctx context.Context, in bool) error {
	if in {
		rw.exit()
	}
	err := rw.rlock(ctx)
	if race.Enabled && err == nil {
		race.Acquire(unsafe.Pointer(&rw.rwmutex))
	}
	return err
}

// runlockSlow keeps RUnlock small. out says that the place is free, and that somebody may sleep at the drain.
//
//go:noinline
func (rw *RWMutex) runlockSlow(out bool) {
	if out {
		rw.drain.ring(all)
	} else if !rw.exit() {
		panic("sem: RUnlock of an RWMutex that this process does not hold for reading")
	}
}

// TryRLock locks rw for reading if no writer holds it or waits for readers, and one of the eight places is
// to be had; it reports whether it did. It does not wait, and does take over from dead holders, whom it
// asks about at most once a millisecond. Of a TryRLock and a TryLock that meet, both may fail.
func (rw *RWMutex) TryRLock() bool {
	r := reading{locking{m: &rw.rwmutex}, rw}
	if v := r.try(); v != inside {
		if r.look = siteOf(unsafe.Pointer(rw.home())).mayAsk(); !r.look || r.try() != inside {
			return false
		}
	}
	if race.Enabled {
		race.Acquire(unsafe.Pointer(&rw.rwmutex))
	}
	return true
}

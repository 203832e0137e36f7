package sem

import (
	"context"
	"sync/atomic"

	"github.com/shmkit/shmkit/internal/park"
)

// findPlace waits until one of the places is given back: more parties are there than the barrier has, or
// one of the last round has not left yet.
func (b *Barrier) findPlace(ctx context.Context, c cells) (int, error) {
	w := park.Join(ctx, &b.room.word, (*barrierRoom)(b))
	defer w.Leave()
	sweep := true
	for {
		word := b.room.announce()
		switch i := enter(c); {
		case i >= 0:
			return i, nil
		case broken(b.load()):
			return -1, ErrBroken
		case sweep:
			sweep = false
			b.sweep(c)
			continue
		}
		if !w.Leading() {
			if !w.Lead() {
				return -1, ctx.Err()
			}
			continue
		}
		switch w.Sleep(word) {
		case park.Look:
			sweep = true
		case park.Done: // whoever gave a place back has woken all
			return -1, ctx.Err()
		}
	}
}

// barrierRoom is a Barrier to those who wait for a place.
type barrierRoom Barrier

func (r *barrierRoom) Stale(t *park.Tick) bool {
	b := (*Barrier)(r)
	c, err := b.table()
	return err != nil || broken(b.load()) || c.anyFree() || c.stale(t)
}

// anyFree reports whether a claim is free.
func (c cells) anyFree() bool {
	for i := range c.n {
		if unclaimed(atomic.LoadUint64(c.at(i))) {
			return true
		}
	}
	return false
}

package pipe

import (
	"context"
	"sync/atomic"
)

// baton is held by the one goroutine that receives, or sends, at an end. Others wait for it, each with its own
// context. Only who holds it touches the direction's memory; so the last one who holds it after a Close keeps it,
// for ever, and with that lets go of the memory; that of the sender ends the end before.
type baton struct {
	held    atomic.Bool
	waiters atomic.Int32
	token   chan struct{} // for one who waits
}

// take takes the baton, unless the end is closed or ctx ends first.
func (b *baton) take(ctx context.Context, e *end) error {
	if !b.held.CompareAndSwap(false, true) {
		if err := b.wait(ctx, e); err != nil {
			return err
		}
	}
	if e.closed.Load() {
		e.last(b)
		return errClosed
	}
	return nil
}

func (b *baton) wait(ctx context.Context, e *end) error {
	if ctx == nil { // what there is goes to who has it
		return ErrEmpty
	}
	b.waiters.Add(1)
	defer b.waiters.Add(-1)
	for !b.held.CompareAndSwap(false, true) {
		// Whoever gives the baton back after the Add above leaves a token.
		select {
		case <-b.token:
		case <-ctx.Done():
			return ctx.Err()
		case <-e.gone:
			return errClosed
		}
	}
	return nil
}

// give gives it back.
func (b *baton) give(e *end) {
	b.held.Store(false)
	if b.waiters.Load() > 0 {
		select {
		case b.token <- struct{}{}:
		default:
		}
	}
	if e.closed.Load() {
		b.finish(e)
	}
}

// finish ends the direction after a Close, if nobody is in it: who is will do so.
func (b *baton) finish(e *end) {
	if b.held.CompareAndSwap(false, true) {
		e.last(b)
	}
}

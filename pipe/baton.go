package pipe

import (
	"context"
	"sync/atomic"
	"time"
)

// baton is held by the one goroutine that receives, or sends, at an end. Others wait for it, each with its own
// context. Only who holds it touches the direction's memory; so the last one who holds it after a Close keeps it,
// for ever, and with that lets go of the memory; that of the sender ends the end before.
//
// Who comes when it is free takes it, past those who wait and are about to be scheduled: that is what makes it cheap. But
// one who has waited for long, and was passed by, is old: while somebody is, only the old take it.
type baton struct {
	held    atomic.Bool
	waiters atomic.Int32
	old     atomic.Int32  // of the waiters
	token   chan struct{} // for one who waits
	first   chan struct{} // for one who is old
}

// patience is after how long one who waits is old.
const patience = time.Millisecond

func (b *baton) init() { b.token, b.first = make(chan struct{}, 1), make(chan struct{}, 1) }

// take takes the baton, unless the end is closed or ctx ends first.
func (b *baton) take(ctx context.Context, e *end) error {
	if b.old.Load() != 0 || !b.held.CompareAndSwap(false, true) {
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
	since := time.Now()
	// Whoever gives the baton back after the Add above leaves a token.
	for b.old.Load() != 0 || !b.held.CompareAndSwap(false, true) {
		if time.Since(since) > patience {
			return b.insist(ctx, e)
		}
		if err := await(b.token, ctx, e); err != nil {
			return err
		}
	}
	return nil
}

// insist waits as one who is old.
func (b *baton) insist(ctx context.Context, e *end) error {
	b.old.Add(1)
	defer func() {
		b.old.Add(-1)
		if !b.held.Load() { // what was left for the old may have been for us, who are gone
			b.nudge()
		}
	}()
	for !b.held.CompareAndSwap(false, true) {
		if err := await(b.first, ctx, e); err != nil {
			return err
		}
	}
	return nil
}

// await waits for a token, which may turn out to be good for nothing.
func await(token <-chan struct{}, ctx context.Context, e *end) error {
	select {
	case <-token:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-e.gone:
		return errClosed
	}
}

// give gives it back.
func (b *baton) give(e *end) {
	b.held.Store(false)
	if b.waiters.Load() > 0 {
		b.nudge()
	}
	if e.closed.Load() {
		b.finish(e)
	}
}

// nudge leaves a token for one who waits: for an old one, if there is any.
func (b *baton) nudge() {
	to := b.token
	if b.old.Load() != 0 {
		to = b.first
	}
	select {
	case to <- struct{}{}:
	default:
	}
}

// finish ends the direction after a Close, if nobody is in it: who is will do so.
func (b *baton) finish(e *end) {
	if b.held.CompareAndSwap(false, true) {
		e.last(b)
	}
}

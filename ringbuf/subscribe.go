package ringbuf

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/owner"
	"github.com/shmkit/shmkit/internal/park"
)

// join claims a place for l and begins there. A place of the dead is as good as one of nobody.
func (c *cast) join(l *listener, from From) error {
	for i := range uint64(abi.Places) {
		e := c.place(i)
		err := e.take(func() error { return c.joinAt(l, e, i, from) })
		if !errors.Is(err, ErrClaimed) {
			return err
		}
	}
	return fmt.Errorf("ringbuf: subscribe to %s: all %d places are taken by the living: %w", c.label(), abi.Places, ErrTooManySubscribers)
}

// joinAt is called with the place claimed. The head comment of grants says how this and the publisher's grants see
// each other; each step of it may be the last.
func (c *cast) joinAt(l *listener, e end, i uint64, from From) error {
	p := &c.all.Places[i]
	pos, count, err := c.countLast()
	if err == nil && from == Oldest {
		pos, count, err = c.beginning()
	}
	if err == nil && c.bytes && pos%abi.RecordAlign != 0 {
		err = c.misplaced("its end", pos)
	}
	if err != nil {
		return err
	}
	for range tries {
		used := atomic.LoadUint64(&c.all.Used)
		if used > i || atomic.CompareAndSwapUint64(&c.all.Used, used, i+1) {
			break
		}
	}
	raceAcquire(&c.ctl.Tail)
	standAt(p, pos, count)
	if !atomic.CompareAndSwapUint32(e.word, owner.Word, owner.Word|abi.PlaceActive) {
		return fmt.Errorf("ringbuf: %s of %s: its word never stands still: %w", e.what, c.label(), abi.ErrCorrupt)
	}
	atomic.AddUint64(&c.all.Joins, 1)
	for range tries {
		oldest := atomic.LoadUint64(&c.all.Oldest)
		if !before(pos, oldest) {
			l.init(c, e, p, pos, count)
			c.notFull().Signal() // where this one stood first may have held the publisher up, who is not told when it moves on
			return nil
		}
		if pos, count, err = c.countOldest(); err == nil && c.bytes && pos%abi.RecordAlign != 0 {
			err = c.misplaced("its oldest position", pos)
		}
		if err != nil {
			break
		}
		standAt(p, pos, count)
	}
	atomic.CompareAndSwapUint32(e.word, owner.Word|abi.PlaceActive, owner.Word) // take gives it up
	c.notFull().Signal()
	if err == nil {
		err = c.misplaced("its oldest position", pos)
	}
	return err
}

// standAt is where the subscriber of the place stands.
func standAt(p *abi.Place, pos, count uint64) {
	atomic.StoreUint64(&p.Count, count)
	atomic.StoreUint64(&p.Pos, pos)
	atomic.StoreUint64(&p.Given, pos)
}

// activeRelease is release, of a place whose subscriber has joined.
func (e end) activeRelease(wake *park.Event) {
	_ = e.r.protect(func() error {
		atomic.CompareAndSwapUint32(e.word, owner.Word|abi.PlaceActive, 0)
		wake.Signal()
		return nil
	})
	e.r.seg.ReleaseEnd(e.off)
}

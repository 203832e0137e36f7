package pipe

import (
	"context"
	"fmt"
	"sync/atomic"
	"syscall"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/owner"
	"github.com/shmkit/shmkit/internal/park"
	"github.com/shmkit/shmkit/internal/segment"
	"github.com/shmkit/shmkit/shm"
)

// desk is a mapped abi.Listener: where one listens and others ask. The states of a request, and who moves them, stand
// there. A request belongs to who asks; what a dead process has left is freed by whoever needs the place. The listener's
// own death leaves a request Asked or Taken, and who asks finds it out, since it watches the owner's word; or the next listener
// comes first and serves it.
type desk struct {
	seg *segment.Segment
	ctl *abi.Listener
}

func openDesk(name string, mem shm.Mem, open func(string, segment.Spec, segment.Mem) (*segment.Segment, error)) (*desk, error) {
	s, err := open(name, segment.Spec{
		Kind: abi.KindListener,
		Size: func(shape [4]uint64) int64 {
			if shape != [4]uint64{} {
				return -1
			}
			return deskSize
		},
		Init: occupied,
	}, segment.Mem(mem))
	if err != nil {
		return nil, err
	}
	return newDesk(s), nil
}

func (d *desk) close() error { return d.seg.Close() }

// protect runs f with the fault guard armed: the file has a name, and may be cut short.
func (d *desk) protect(f func() error) (err error) {
	if gone := d.seg.Protect(func() { err = f() }); gone != nil {
		return gone
	}
	return err
}

// occupy makes this process the listener.
func (d *desk) occupy() error {
	if !d.seg.ClaimEnd(0) {
		return fmt.Errorf("pipe: listen at %q: this process does: %w", d.seg.Name(), syscall.EADDRINUSE)
	}
	err := d.protect(func() error {
		for range tries {
			w := atomic.LoadUint32(&d.ctl.Owner)
			id := w >> ownerShift
			if id != 0 && id != owner.ID() && !d.dead(nil, id) {
				return fmt.Errorf("pipe: listen at %q: process %#x does: %w", d.seg.Name(), id, syscall.EADDRINUSE)
			}
			if atomic.CompareAndSwapUint32(&d.ctl.Owner, w, owner.Word) {
				d.inherit()
				return nil
			}
		}
		return corrupt("the listener's word, which never stands still,", uint64(atomic.LoadUint32(&d.ctl.Owner)), 0)
	})
	if err != nil {
		d.seg.ReleaseEnd(0)
	}
	return err
}

// inherit puts right what a listener that died has left half done.
func (d *desk) inherit() {
	for i := range d.ctl.Requests {
		r := &d.ctl.Requests[i]
		switch w := atomic.LoadUint64(&r.Word); w & abi.RequestState {
		case abi.RequestTaken:
			atomic.CompareAndSwapUint64(&r.Word, w, w&^abi.RequestState|abi.RequestAsked)
		case abi.RequestLeft:
			atomic.CompareAndSwapUint64(&r.Word, w, abi.RequestFree)
		}
	}
}

// vacate ends this process's being the listener, and tells those who ask.
func (d *desk) vacate() {
	_ = d.protect(func() error {
		atomic.CompareAndSwapUint32(&d.ctl.Owner, owner.Word, 0)
		d.answered().Signal()
		return nil
	})
	d.seg.ReleaseEnd(0)
}

// deserted reports whether nobody listens.
func (d *desk) deserted(t *park.Tick) bool {
	id := atomic.LoadUint32(&d.ctl.Owner) >> ownerShift
	return id == 0 || d.dead(t, id)
}

var errDeserted = fmt.Errorf("nobody listens there: %w", syscall.ECONNREFUSED)

var errRefused = fmt.Errorf("the listener could not open the pipe; it may be another user's, or in another PID namespace: %w", syscall.ECONNREFUSED)

// request asks with a pipe's text, and returns when accepted says so.
func (d *desk) request(ctx context.Context, text []byte, accepted func() bool) error {
	i, ticket, err := d.place(ctx)
	if err != nil {
		return err
	}
	defer d.seg.ReleaseEnd(requestOffset(i))
	r := &d.ctl.Requests[i]
	defer d.withdraw(r, ticket)
	if len(text) > len(r.Text) {
		return fmt.Errorf("the handle's text has %d bytes of %d: %w", len(text), len(r.Text), syscall.ENAMETOOLONG)
	}
	copy(r.Text[:], text)
	atomic.StoreUint32(&r.Len, uint32(len(text)))
	// Killed before: a place of a dead process. From here on it may be answered.
	atomic.CompareAndSwapUint64(&r.Word, ticket|abi.RequestAsking, ticket|abi.RequestAsked)
	d.asked().Signal()
	w := &waits{d: d, over: func() bool {
		return accepted() || atomic.LoadUint64(&r.Word) == ticket|abi.RequestRefused
	}}
	err = w.wait(ctx)
	switch {
	case accepted(): // whatever else has happened meanwhile
		return nil
	case err == nil:
		return errRefused
	}
	return err
}

// withdraw ends a request of this process, in whatever state it is; the listener may be moving it meanwhile.
func (d *desk) withdraw(r *abi.Request, ticket uint64) {
	for range tries {
		w := atomic.LoadUint64(&r.Word)
		to := uint64(abi.RequestFree)
		switch state := w & abi.RequestState; {
		case w&^abi.RequestState != ticket || state == abi.RequestLeft:
			return
		case state == abi.RequestTaken:
			to = ticket | abi.RequestLeft
		}
		if atomic.CompareAndSwapUint64(&r.Word, w, to) {
			d.answered().Signal() // a place is free, or will be
			return
		}
	}
}

// place waits for a free place and takes it. The ticket is its word, but for the state.
func (d *desk) place(ctx context.Context) (i int, ticket uint64, err error) {
	i = -1
	w := &waits{d: d, over: func() bool {
		if i < 0 {
			i, ticket = d.tryPlace()
		}
		return i >= 0
	}}
	if err := w.wait(ctx); i < 0 {
		return i, 0, err
	}
	return i, ticket, nil
}

// tryPlace takes a place that is free, or a dead process's, or left over by this one: what this process uses now is in its
// own list.
func (d *desk) tryPlace() (int, uint64) {
	for i := range d.ctl.Requests {
		r := &d.ctl.Requests[i]
		w := atomic.LoadUint64(&r.Word)
		who := uint32(w) >> ownerShift
		if w != abi.RequestFree && who != owner.ID() && !d.dead(nil, who) || !d.seg.ClaimEnd(requestOffset(i)) {
			continue
		}
		ticket := atomic.AddUint64(&d.ctl.Tickets, 1)<<abi.RequestTicket | uint64(owner.Word)
		if atomic.CompareAndSwapUint64(&r.Word, w, ticket|abi.RequestAsking) {
			return i, ticket
		}
		d.seg.ReleaseEnd(requestOffset(i))
	}
	return -1, 0
}

// waits is the wait of one who asks: until over says so, or nobody listens any more.
type waits struct {
	d    *desk
	over func() bool
}

func (w *waits) wait(ctx context.Context) error {
	for {
		switch {
		case w.over():
			return nil
		case w.d.deserted(nil):
			return errDeserted
		case ctx.Err() != nil:
			return ctx.Err()
		}
		// over may take something, and asks the kernel who lives: too much for each look of a sleeper, who goes by the words.
		if err := w.d.answered().Await(ctx, w, w.stirred()); err != nil {
			if w.over() {
				return nil
			}
			return err
		}
	}
}

// stirred is true once something may have changed since it was made: the event's seq has moved on, or a slice is over.
func (w *waits) stirred() func() bool {
	seq, ticks := atomic.LoadUint32(&w.d.ctl.Answered.Seq), park.Ticks()
	first := true
	return func() bool {
		if first { // behind the announcement: whoever answers from now on moves seq
			first = false
			return w.over()
		}
		return atomic.LoadUint32(&w.d.ctl.Answered.Seq) != seq || park.Ticks() != ticks || w.d.deserted(nil)
	}
}

// Stale implements park.Looker: once a slice everything is looked at again.
func (w *waits) Stale(*park.Tick) bool { return true }

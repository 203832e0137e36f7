package pipe

import (
	"context"
	"sync/atomic"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/park"
)

// asking is a desk as the listener waits at it.
type asking desk

// Stale implements park.Looker, for one who was killed between the request and the wake-up.
func (a *asking) Stale(*park.Tick) bool { return (*desk)(a).anybody() }

// anybody reports whether a request is to be answered.
func (d *desk) anybody() bool {
	for i := range d.ctl.Requests {
		if atomic.LoadUint64(&d.ctl.Requests[i].Word)&abi.RequestState == abi.RequestAsked {
			return true
		}
	}
	return false
}

// taken is a request that the listener has taken, and its word.
type taken struct {
	r    *abi.Request
	word uint64
	text []byte
}

// next waits for a request and takes the oldest.
func (d *desk) next(ctx context.Context) (taken, error) {
	for {
		r, w := d.oldest()
		if r == nil {
			if err := ctx.Err(); err != nil {
				return taken{}, err
			}
			if err := d.asked().Await(ctx, (*asking)(d), d.anybody); err != nil {
				return taken{}, err
			}
			continue
		}
		text := append([]byte(nil), r.Text[:min(int(atomic.LoadUint32(&r.Len)), len(r.Text))]...)
		if to := w&^abi.RequestState | abi.RequestTaken; atomic.CompareAndSwapUint64(&r.Word, w, to) {
			return taken{r, to, text}, nil
		}
		if err := ctx.Err(); err != nil {
			return taken{}, err
		}
	}
}

// oldest is the request with the lowest ticket. Those of the dead, who cannot mind any more, are freed on the way.
func (d *desk) oldest() (oldest *abi.Request, word uint64) {
	for i := range d.ctl.Requests {
		r := &d.ctl.Requests[i]
		w := atomic.LoadUint64(&r.Word)
		if w&abi.RequestState != abi.RequestAsked {
			continue
		}
		if d.dead(nil, uint32(w)>>ownerShift) {
			atomic.CompareAndSwapUint64(&r.Word, w, abi.RequestFree)
			continue
		}
		if oldest == nil || int32(uint32(w>>abi.RequestTicket)-uint32(word>>abi.RequestTicket)) < 0 {
			oldest, word = r, w
		}
	}
	return oldest, word
}

// answer ends a request that was taken: Free says that it is accepted, Asked puts it back. Killed before: inherit.
func (d *desk) answer(t taken, state uint64) {
	to := t.word&^abi.RequestState | state
	if state == abi.RequestFree {
		to = abi.RequestFree
	}
	if !atomic.CompareAndSwapUint64(&t.r.Word, t.word, to) { // who asked waits no longer
		atomic.CompareAndSwapUint64(&t.r.Word, t.word&^abi.RequestState|abi.RequestLeft, abi.RequestFree)
	}
	d.answered().Signal()
}

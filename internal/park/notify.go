package park

import (
	"context"
	"runtime/debug"

	"github.com/shmkit/shmkit/internal/fence"
)

// Notify joins e to a Go select: until stop is called, c receives a token when ready may have become
// true, sent as signal.Notify does, without blocking. c must have room for one. A token is a hint: whoever
// receives it takes until there is nothing left, and ready must be false then. stop returns
// when no more will be sent.
//
// No readiness is lost: the goroutine announces itself before it looks, so what happens later moves the
// word on; a token that finds the channel full stands for the one in it.
func (e *Event) Notify(c chan<- struct{}, look Looker, ready func() bool) (stop func()) {
	if look == nil {
		look = nobody{}
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer faulted(c)
		defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
		e.watch(ctx, c, look, ready)
	}()
	return func() {
		cancel()
		<-ended
	}
}

// faulted ends a watcher whose memory has gone away (a file that was cut short): a last token makes the user
// look, and find out. Any other panic passes.
func faulted(c chan<- struct{}) {
	r := recover()
	if _, ok := r.(interface{ Addr() uintptr }); r != nil && !ok {
		panic(r)
	}
	if r != nil {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// moment is when a watcher has looked: nothing new is to be seen until a signal moves seq on, or a slice is
// over (who should have signalled may have died).
type moment struct {
	looked bool
	seq    uint32
	ticks  uint64
}

// watch looks after every wake-up, as a member of the lot that goes to the end of the queue each time: all
// others must get their turn to look as well. It looks as it joins, for there it may find one at the head who
// sleeps although there is something: a watcher that has told so.
func (e *Event) watch(ctx context.Context, c chan<- struct{}, look Looker, ready func() bool) {
	var seen moment
	for ctx.Err() == nil {
		e.watchOnce(ctx, c, look, ready, &seen)
	}
}

func (e *Event) watchOnce(ctx context.Context, c chan<- struct{}, look Looker, ready func() bool, seen *moment) {
	w := Join(ctx, &e.Seq, look)
	defer w.Leave()
	sure := e.tell(c, ready, seen)
	if !w.Lead() {
		return
	}
	switch {
	case !sure:
		_ = doze(ctx)
	case e.now() == *seen:
		w.Sleep(seen.seq)
	}
}

func (e *Event) now() moment { return moment{true, e.announce(waiting | watched), Ticks()} }

// tell looks, if it has not at this moment, and sends a token if there may be something to take. It reports
// false when the watcher has to nap: because a look proves nothing (see package fence), or because an older token has not been received and
// a stream would wake it for every item.
func (e *Event) tell(c chan<- struct{}, ready func() bool, seen *moment) bool {
	now := e.now()
	if now == *seen {
		return true
	}
	sure := fence.Heavy()
	if sure {
		*seen = now
	}
	if ready() {
		select {
		case c <- struct{}{}:
		default:
			return false
		}
	}
	return sure
}

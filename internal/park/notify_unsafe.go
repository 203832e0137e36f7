package park

import (
	"context"
	"runtime/debug"
	"unsafe"

	"github.com/shmkit/shmkit/internal/fence"
	"github.com/shmkit/shmkit/internal/owner"
)

// Watched is what Notify watches, and how.
type Watched struct {
	Word *uint32 // where the watcher sleeps
	Look Looker  // nil: no process is named in the words

	// Announce announces a sleeper, so that what happens from now on moves the word on, and returns the word to
	// sleep on. While nothing happens it returns the same one.
	Announce func() uint32

	// Ready reports whether there may be something to take. It comes after Announce.
	Ready func() bool

	// Sure puts a load after it behind the announcement before it, for those who publish by a plain store. It
	// reports false where that cannot be had. nil: nobody does.
	Sure func() bool
}

// Notify joins what is watched to a Go select: until stop is called, c receives a token when Ready may have
// become true, sent as signal.Notify does, without blocking. c must have room for one. A token is a hint:
// whoever receives it takes until there is nothing left, and Ready must be false then. stop returns
// when no more will be sent.
//
// No readiness is lost: the goroutine announces itself before it looks, so what happens later moves the
// word on; a token that finds the channel full stands for the one in it.
func Notify(c chan<- struct{}, s Watched) (stop func()) {
	if s.Look == nil {
		s.Look = nobody{}
	}
	if s.Sure == nil {
		s.Sure = func() bool { return true }
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	region := owner.Find(unsafe.Pointer(s.Word))
	region.Enter() // for as long as it watches, not only while it is in the lot: the memory must stay
	go func() {
		defer close(ended)
		defer region.Leave()
		defer faulted(c)
		defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
		s.watch(ctx, c)
	}()
	return func() {
		cancel()
		<-ended
	}
}

// Notify is the function Notify for an Event.
func (e *Event) Notify(c chan<- struct{}, look Looker, ready func() bool) (stop func()) {
	return Notify(c, Watched{Word: &e.Seq, Look: look, Announce: e.watch, Ready: ready, Sure: fence.Heavy})
}

func (e *Event) watch() uint32 { return e.announce(waiting | watched) }

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

// moment is when a watcher has looked: nothing new is to be seen until the word moves on, or a slice is
// over (who should have moved it may have died).
type moment struct {
	looked bool
	word   uint32
	ticks  uint64
}

// watch looks after every wake-up, as a member of the lot that goes to the end of the queue each time: all
// others must get their turn to look as well. It looks as it joins, for there it may find one at the head who
// sleeps although there is something: a watcher that has told so.
func (s *Watched) watch(ctx context.Context, c chan<- struct{}) {
	var seen moment
	for ctx.Err() == nil {
		s.watchOnce(ctx, c, &seen)
	}
}

func (s *Watched) watchOnce(ctx context.Context, c chan<- struct{}, seen *moment) {
	w := Join(ctx, s.Word, s.Look)
	defer w.Leave()
	sure := s.tell(c, seen)
	if !w.Lead() {
		return
	}
	switch {
	case !sure:
		_ = doze(ctx)
	case s.now() == *seen:
		w.Sleep(seen.word)
	}
}

func (s *Watched) now() moment { return moment{true, s.Announce(), Ticks()} }

// tell looks, if it has not at this moment, and sends a token if there may be something to take. It reports
// false when the watcher has to nap: because a look proves nothing (see package fence), or because an older
// token has not been received and a stream would wake it for every item.
func (s *Watched) tell(c chan<- struct{}, seen *moment) bool {
	now := s.now()
	if now == *seen {
		return true
	}
	sure := s.Sure()
	if sure {
		*seen = now
	}
	if s.Ready() {
		select {
		case c <- struct{}{}:
		default:
			return false
		}
	}
	return sure
}

package park

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/fence"
	"github.com/shmkit/shmkit/internal/proctest"
)

// stock is a number of things in shared memory, with an event that tells of new ones.
type stock struct {
	there *uint32
	e     *Event
}

func newStock(p *page) stock { return stock{p.word(512), p.event(0)} }

// put is a publisher: it changes first and looks for sleepers second.
func (s stock) put() {
	atomic.AddUint32(s.there, 1)
	if s.e.Awaited() {
		s.e.Signal()
	}
}

func (s stock) any() bool { return atomic.LoadUint32(s.there) > 0 }

func (s stock) take() bool {
	for {
		n := atomic.LoadUint32(s.there)
		if n == 0 {
			return false
		}
		if atomic.CompareAndSwapUint32(s.there, n, n-1) {
			return true
		}
	}
}

// get waits for one.
func (s stock) get(ctx context.Context) error {
	for !s.take() {
		if err := s.e.Await(ctx, nil, s.any); err != nil {
			return err
		}
	}
	return nil
}

func TestAwait(t *testing.T) {
	setSlice(t, never)
	s := newStock(newPage(t))
	ended, cancel := context.WithCancel(bg)
	cancel()
	if err := s.e.Await(ended, nil, s.any); err != context.Canceled {
		t.Errorf("nothing there, ended context: %v", err)
	}
	s.put()
	if err := s.e.Await(ended, nil, s.any); err != nil {
		t.Errorf("something there, ended context: %v", err)
	}
	if !s.take() {
		t.Error("Await has taken something")
	}
	ctx, cancel := context.WithTimeout(bg, 10*time.Millisecond)
	defer cancel()
	if err := s.get(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("deadline: %v", err)
	}
	empty(t)
}

func TestSignal(t *testing.T) {
	e := newPage(t).event(0)
	e.Signal() // nobody waits: nothing happens
	if e.Seq != 0 || e.Awaited() {
		t.Error("a signal to nobody leaves a trace")
	}
	e.Seq = 1<<32 - 1 // it wraps around without touching what is beside it
	if seq := e.announce(waiting); seq != 1<<32-1 || !e.Awaited() || e.announce(waiting) != seq {
		t.Errorf("announced with %#x", seq)
	}
	e.Signal()
	if e.Seq != 0 || e.Awaited() {
		t.Errorf("after the signal: %+v", *e)
	}
}

// Its ready becomes true without a signal (who should have sent it has died): the slice tells.
func TestAwaitIsLookedAfter(t *testing.T) {
	setSlice(t, 10*time.Millisecond)
	s := newStock(newPage(t))
	done := make(chan error, 2)
	for range 2 {
		go func() { done <- s.e.Await(bg, staleIf(s.any), s.any) }()
	}
	time.Sleep(5 * time.Millisecond)
	atomic.StoreUint32(s.there, 1)
	for range 2 {
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(20 * time.Second):
			t.Fatal("nobody looks")
		}
	}
	empty(t)
}

var _ = proctest.Register("consumer", func(args []string) int {
	p, err := mapPath(args[0], false)
	if err != nil {
		return 1
	}
	SetSlice(never)
	for range 500 {
		if newStock(p).get(bg) != nil {
			return 2
		}
		atomic.AddUint32(p.word(600), 1)
	}
	proctest.Say("done")
	proctest.Hear()
	return 0
})

// Producers and consumers, here and in another process: what is put is taken, although no tick ever comes.
func TestNoWakeUpIsLost(t *testing.T) {
	if fence.Register(); !fence.Ordered() {
		t.Log("naps instead of membarrier")
	}
	setSlice(t, never)
	p := newPage(t)
	s := newStock(p)
	const producers, consumers, each = 3, 4, 1500
	other := proctest.Start(t, "consumer", p.path())
	ctx, cancel := context.WithTimeout(bg, 30*time.Second)
	defer cancel()
	var wg sync.WaitGroup
	var taken atomic.Int32
	const ours = producers*each - 500
	for range consumers {
		wg.Go(func() {
			for taken.Add(1) <= ours {
				if err := s.get(ctx); err != nil {
					t.Errorf("%v after %d, %d left", err, taken.Load(), atomic.LoadUint32(s.there))
					return
				}
			}
		})
	}
	for i := range producers {
		wg.Go(func() {
			for k := range each {
				s.put()
				if (k+i)%50 == 0 {
					time.Sleep(50 * time.Microsecond) // let them fall asleep
				}
			}
		})
	}
	wg.Wait()
	other.Expect("done")
	if n := atomic.LoadUint32(s.there); n != 0 {
		t.Errorf("%d left", n)
	}
	empty(t)
}

// token waits for a token.
func token(t *testing.T, what string, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(20 * time.Second):
		t.Fatalf("%s: no token", what)
	}
}

func TestNotify(t *testing.T) {
	setSlice(t, never)
	s := newStock(newPage(t))
	c := make(chan struct{}, 1)
	stop := s.e.Notify(c, nil, s.any)
	for i := range 50 {
		if i == 25 {
			time.Sleep(5 * time.Millisecond)
		}
		if len(c) != 0 && !s.any() {
			<-c // a hint too many is allowed
		}
		s.put()
		for token(t, strconv.Itoa(i), c); s.take(); {
		}
	}
	stop()
	s.put()
	select {
	case <-c: // one that was sent before stop
	default:
	}
	time.Sleep(5 * time.Millisecond)
	if len(c) != 0 {
		t.Error("a token after stop")
	}
	empty(t)
}

// What is there already when Notify is called is told too.
func TestNotifyOfWhatIsThere(t *testing.T) {
	setSlice(t, never)
	s := newStock(newPage(t))
	s.put()
	for i := range 3 { // the second and the third find a leader that sleeps
		c := make(chan struct{}, 1)
		defer s.e.Notify(c, nil, s.any)()
		token(t, strconv.Itoa(i), c)
	}
}

// Two watchers whose channels nobody reads, and one who waits behind them: one signal reaches all three.
func TestWatchersDoNotHideReadiness(t *testing.T) {
	setSlice(t, never)
	for range 10 {
		s := newStock(newPage(t))
		a, b := make(chan struct{}, 1), make(chan struct{}, 1)
		stopA := s.e.Notify(a, nil, s.any)
		stopB := s.e.Notify(b, nil, s.any)
		waited := make(chan struct{})
		go func() {
			if err := s.e.Await(bg, nil, s.any); err != nil {
				t.Error(err)
			}
			close(waited)
		}()
		time.Sleep(2 * time.Millisecond)
		s.put()
		token(t, "waiter", waited)
		token(t, "first watcher", a)
		token(t, "second watcher", b)
		stopA()
		stopB()
		empty(t)
	}
}

// Two watchers and a waiter share what is put: all of it is taken.
func TestWatchersAndWaiterShare(t *testing.T) {
	setSlice(t, never)
	s := newStock(newPage(t))
	const n = 3000
	var taken atomic.Int32
	ctx, cancel := context.WithTimeout(bg, 30*time.Second)
	defer cancel()
	var wg sync.WaitGroup
	took := func() {
		if taken.Add(1) == n {
			cancel()
		}
	}
	for range 2 {
		c := make(chan struct{}, 1)
		stop := s.e.Notify(c, nil, s.any)
		wg.Go(func() {
			defer stop()
			for {
				select {
				case <-c:
					for s.take() {
						took()
					}
				case <-ctx.Done():
					return
				}
			}
		})
	}
	wg.Go(func() {
		for s.get(ctx) == nil {
			took()
		}
	})
	for k := range n {
		s.put()
		if k%40 == 0 {
			time.Sleep(30 * time.Microsecond)
		}
	}
	wg.Wait()
	if got := taken.Load(); got != n {
		t.Errorf("%d of %d taken", got, n)
	}
	empty(t)
}

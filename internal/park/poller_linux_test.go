package park

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/futex"
)

// crowd parks n goroutines, each on a word of its own.
func crowd(t *testing.T, ctx context.Context, p *page, n int) []<-chan Wake {
	t.Helper()
	var all []<-chan Wake
	for i := range n {
		all = append(all, lieStill(ctx, p.word(i)))
		sleepers(t, i+1)
	}
	return all
}

func pollersNow() int {
	pollers.mu.Lock()
	defer pollers.mu.Unlock()
	return len(pollers.all)
}

func TestCrowdIsWokenOneByOne(t *testing.T) {
	setSlice(t, never)
	p := newPage(t)
	const n = maxDirect + 2*perPoller + 5
	all := crowd(t, bg, p, n)
	if got := directs.Load(); got != maxDirect {
		t.Errorf("%d sleep in threads of their own, want %d", got, maxDirect)
	}
	if got := pollersNow(); got < 3 {
		t.Errorf("%d pollers, want 3", got)
	}
	for _, i := range rand.Perm(n) {
		change(p.word(i))
		ends(t, all[i], Woken, Changed, Look)
	}
	empty(t)
}

func TestCrowdIsCancelled(t *testing.T) {
	setSlice(t, never)
	p := newPage(t)
	ctx, cancel := context.WithCancel(bg)
	all := crowd(t, ctx, p, maxDirect+perPoller+5)
	time.Sleep(2 * scan)
	for _, got := range all {
		if len(got) != 0 {
			t.Fatal("ended, and nothing has happened")
		}
	}
	start := time.Now()
	cancel()
	for _, got := range all {
		ends(t, got, Done)
	}
	t.Logf("%d cancelled in %v", len(all), time.Since(start))
	empty(t)
}

// A seat among the direct sleepers that becomes free is taken, however many are polled.
func TestSeatsAreTakenAgain(t *testing.T) {
	setSlice(t, never)
	p := newPage(t)
	ctx, cancel := context.WithCancel(bg)
	all := crowd(t, ctx, p, maxDirect+10)
	change(p.word(3))
	ends(t, all[3], Woken)
	if got := directs.Load(); got != maxDirect-1 {
		t.Fatalf("%d direct sleepers, want %d", got, maxDirect-1)
	}
	again := lie(ctx, p.word(100), nobody{})
	sleepers(t, maxDirect+10)
	if got := directs.Load(); got != maxDirect {
		t.Errorf("%d direct sleepers, want %d: the newcomer shares a poller", got, maxDirect)
	}
	cancel()
	ends(t, again, Done)
	empty(t)
}

// A slice of the carrier reaches those in pollers too.
func TestPolledAreLookedAfter(t *testing.T) {
	setSlice(t, 10*time.Millisecond)
	p := newPage(t)
	var stale atomic.Bool
	ctx, cancel := context.WithCancel(bg)
	var wg sync.WaitGroup
	for i := range maxDirect {
		wg.Go(func() { dwell(ctx, p.word(i), nobody{}) })
	}
	sleepers(t, maxDirect)
	got := lie(bg, p.word(200), staleIf(stale.Load))
	sleepers(t, maxDirect+1)
	still(t, got)
	stale.Store(true)
	ends(t, got, Look)
	cancel()
	wg.Wait()
	empty(t)
}

type staleIf func() bool

func (f staleIf) Stale(*Tick) bool { return f() }

// sleepOutside waits on a word as another process does that knows nothing of our lot. Its wake-up counts.
func sleepOutside(t *testing.T, word *uint32) <-chan error {
	t.Helper()
	woken := make(chan error, 1)
	go func() { woken <- futex.Wait(word, atomic.LoadUint32(word), 20*time.Second) }()
	time.Sleep(5 * time.Millisecond) // to sleep; too early a wake-up would fail the test, not pass it
	return woken
}

// A waiter has left, and the poller has not taken its word out yet: a wake-up that it gets is another's.
func TestEatenWakeUpsArePassedOn(t *testing.T) {
	page := newPage(t)
	gone, here := page.word(0), page.word(1)
	for _, told := range []int{0, 1} { // the word of the departed is named, or only the one above it
		w := &Waiter{word: here, ready: make(chan struct{}, 1)}
		p := &poller{words: []polledWord{{nil, gone, 0}, {w, here, 0}}}
		other := sleepOutside(t, gone)
		p.signal(told)
		if err := <-other; err != nil {
			t.Errorf("told %d: %v: a wake-up was eaten", told, err)
		}
		if len(w.ready) != told || (p.words[1].w == nil) != (told == 1) {
			t.Errorf("told %d: the one who waits was told %d times", told, len(w.ready))
		}
	}
	(&poller{}).signal(5) // nobody is there any more
}

// After a return every word is suspect: one that has changed is told, whatever index the kernel named.
func TestArmFindsChanges(t *testing.T) {
	page := newPage(t)
	a := &Waiter{word: page.word(0), ready: make(chan struct{}, 1)}
	b := &Waiter{word: page.word(1), ready: make(chan struct{}, 1)}
	p := &poller{words: []polledWord{{a, a.word, 0}, {b, b.word, 0}}}
	atomic.StoreUint32(b.word, 1)
	var idle time.Time
	if n, end := p.arm(&idle); n != 2 || end || len(a.ready) != 0 || len(b.ready) != 1 {
		t.Errorf("armed %d words, end %v; told a %d times, b %d times", n, end, len(a.ready), len(b.ready))
	}
	if !p.remove(a) || p.remove(b) {
		t.Error("remove tells who was signalled")
	}
	if n, _ := p.arm(&idle); n != 1 {
		t.Errorf("armed %d words, want the control word", n)
	}
}

// Members come, are woken and give up at random. No tick helps.
func TestPollersChurn(t *testing.T) {
	setSlice(t, never)
	p := newPage(t)
	const n, rounds = maxDirect + perPoller + 10, 25
	var wg sync.WaitGroup
	var woken, done atomic.Int32
	for i := range n {
		wg.Go(func() {
			word := p.word(i)
			for k := range rounds {
				ctx, cancel := context.WithCancel(bg)
				old := atomic.LoadUint32(word)
				later := time.AfterFunc(time.Duration(rand.IntN(2000))*time.Microsecond, func() {
					if k%2 == 0 {
						change(word)
					} else {
						cancel()
					}
				})
				w := Join(ctx, word, nobody{})
				got := w.Sleep(old)
				for got == Woken && atomic.LoadUint32(word) == old { // a wake-up that was passed on
					got = w.Sleep(old)
				}
				w.Leave()
				if later.Stop() {
					t.Errorf("ended as %d by itself", got)
				}
				if (k%2 == 0) == (got == Done) {
					t.Errorf("round %d ended as %d", k, got)
				}
				if got == Done {
					done.Add(1)
				} else {
					woken.Add(1)
				}
				cancel()
			}
		})
	}
	finished := make(chan struct{})
	go func() { wg.Wait(); close(finished) }()
	select {
	case <-finished:
	case <-time.After(30 * time.Second):
		t.Fatal("somebody was forgotten")
	}
	t.Logf("%d woken, %d cancelled", woken.Load(), done.Load())
	empty(t)
}

func TestIdlePollersEnd(t *testing.T) {
	setSlice(t, never)
	p := newPage(t)
	ctx, cancel := context.WithCancel(bg)
	all := crowd(t, ctx, p, maxDirect+3)
	if pollersNow() == 0 {
		t.Error("no poller")
	}
	cancel()
	for _, got := range all {
		ends(t, got, Done)
	}
	eventually(t, "no pollers", func() bool { return pollersNow() == 0 })
	all = crowd(t, bg, p, maxDirect+1) // and a new one begins
	for i := range all {
		change(p.word(i))
		ends(t, all[i], Woken, Changed, Look)
	}
	empty(t)
}

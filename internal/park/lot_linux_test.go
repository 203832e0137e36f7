package park

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var bg = context.Background()

func TestFollowersAreAppointedInOrder(t *testing.T) {
	p := newPage(t)
	leader := Join(bg, p.word(0), nobody{})
	const n = 12
	var mu sync.Mutex
	var order, want []int
	var wg sync.WaitGroup
	for i := range n {
		want = append(want, i)
		joined := make(chan struct{})
		wg.Go(func() {
			w := Join(bg, p.word(0), nobody{})
			close(joined)
			if w.Leading() || !w.Lead() || !w.Leading() {
				t.Error("not appointed")
			}
			mu.Lock()
			order = append(order, i)
			mu.Unlock()
			w.Leave()
		})
		<-joined
	}
	if p.region.Waiters() != n+1 {
		t.Errorf("%d waiters in the region, want %d", p.region.Waiters(), n+1)
	}
	if !leader.Leading() {
		t.Error("the first does not lead")
	}
	leader.Leave()
	wg.Wait()
	if !slices.Equal(order, want) {
		t.Errorf("appointed in the order %v", order)
	}
	empty(t)
}

// What a follower waited for came while it joined: it leaves from wherever it stands in the queue.
func TestFollowerLeaves(t *testing.T) {
	p := newPage(t)
	for leaves := range 4 { // 0 is the leader, who hands over
		var ws [4]*Waiter
		for i := range ws {
			ws[i] = Join(bg, p.word(0), nobody{})
		}
		ws[leaves].Leave()
		rest := slices.Delete(slices.Clone(ws[:]), leaves, leaves+1)
		for _, w := range rest {
			if !w.Lead() {
				t.Fatal("not appointed")
			}
			w.Leave()
		}
		empty(t)
	}
}

// It was appointed, does not know, and leaves: the next one leads.
func TestAppointedLeavesUnaware(t *testing.T) {
	p := newPage(t)
	a, b, c := Join(bg, p.word(0), nobody{}), Join(bg, p.word(0), nobody{}), Join(bg, p.word(0), nobody{})
	a.Leave()
	b.Leave()
	if !c.Lead() {
		t.Fatal("not appointed")
	}
	c.Leave()
	empty(t)
	if w := Join(bg, p.word(1), nobody{}); !w.Leading() {
		t.Error("the first does not lead")
	} else {
		w.Leave()
	}
}

func TestWithdraw(t *testing.T) {
	p := newPage(t)
	ctx, cancel := context.WithCancel(bg)
	a, b, c := Join(bg, p.word(0), nobody{}), Join(ctx, p.word(0), nobody{}), Join(bg, p.word(0), nobody{})
	cancel()
	if b.Lead() {
		t.Fatal("an ended context leads")
	}
	b.Leave()
	a.Leave()
	if !c.Lead() {
		t.Fatal("not appointed")
	}
	// c leads; d is appointed and its context ends before it has looked: it leads, or it would eat the appointment.
	ctx, cancel = context.WithCancel(bg)
	d := Join(ctx, p.word(0), nobody{})
	c.Leave()
	cancel()
	if !d.Lead() {
		t.Error("an appointment was dropped")
	}
	d.Leave()
	empty(t)
}

// Contexts end while leaders leave. There is one leader at a time, and no appointment is lost.
func TestWithdrawRaces(t *testing.T) {
	p := newPage(t)
	const words, each, rounds = 3, 5, 800
	var leading [words]atomic.Int32
	var led, gaveUp atomic.Int32
	var wg sync.WaitGroup
	for i := range words {
		for range each {
			wg.Go(func() {
				for k := range rounds {
					ctx, cancel := context.WithCancel(bg)
					if k%2 == 0 {
						go func() { cancel() }()
					}
					w := Join(ctx, p.word(i), nobody{})
					if w.Lead() {
						if leading[i].Add(1) != 1 {
							t.Error("two lead")
						}
						if rand.IntN(4) == 0 {
							time.Sleep(time.Microsecond)
						}
						leading[i].Add(-1)
						led.Add(1)
					} else {
						gaveUp.Add(1)
					}
					w.Leave()
					cancel()
				}
			})
		}
	}
	wg.Wait()
	t.Logf("%d led, %d gave up", led.Load(), gaveUp.Load())
	empty(t)
}

package park

import (
	"context"
	"sync/atomic"
	"testing"
	"time"
)

// evicted is somebody by whose name goroutines wait, and who may be done with it.
type evicted struct{ gone atomic.Bool }

func (*evicted) Stale(*Tick) bool { return false }

// Of those who wait for one event the ones with that look return, wherever in the queue they stand, and all others stay, to be
// woken by what they wait for. No slice helps.
func TestEvict(t *testing.T) {
	setSlice(t, never)
	for leader := range 2 { // who came first sleeps for all
		s := newStock(newPage(t))
		who := [2]*evicted{new(evicted), new(evicted)}
		done := [2]chan error{make(chan error, 8), make(chan error, 8)}
		for i := range 6 {
			w := (i + leader) % 2
			go func() {
				done[w] <- s.e.Await(bg, who[w], func() bool { return who[w].gone.Load() || s.any() })
			}()
			joined(t, &s.e.Seq, i+1)
		}
		who[0].gone.Store(true)
		s.e.Evict(who[0])
		for range 3 {
			returns(t, done[0])
		}
		s.e.Evict(who[0]) // nobody is left
		select {
		case err := <-done[1]:
			t.Fatalf("another one has returned: %v", err)
		case <-time.After(20 * time.Millisecond):
		}
		s.put()
		for range 3 {
			returns(t, done[1])
		}
		empty(t)
	}
}

// One that leaves because its context ends as it is evicted leaves once.
func TestEvictAgainstCancel(t *testing.T) {
	setSlice(t, never)
	for range 200 {
		s := newStock(newPage(t))
		who, other := new(evicted), new(evicted)
		ctx, cancel := context.WithCancel(bg)
		done, stays := make(chan error, 2), make(chan error, 1)
		go func() { stays <- s.e.Await(bg, other, s.any) }()
		for range 2 {
			go func() { done <- s.e.Await(ctx, who, who.gone.Load) }()
		}
		go cancel()
		who.gone.Store(true)
		s.e.Evict(who)
		for range 2 {
			select {
			case err := <-done:
				if err != nil && err != context.Canceled {
					t.Error(err)
				}
			case <-time.After(20 * time.Second):
				t.Fatal("it stays")
			}
		}
		s.put()
		returns(t, stays)
	}
	empty(t)
}

func returns(t *testing.T, done <-chan error) {
	t.Helper()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("it does not return")
	}
}

// joined waits until n goroutines are in the queue of a word.
func joined(t *testing.T, word *uint32, n int) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(100 * time.Microsecond) {
		s := shardOf(word)
		s.mu.Lock()
		have := 0
		if q := s.queues[word]; q != nil {
			have++ // who leads
			for w := q.first; w != nil; w = w.next {
				have++
			}
		}
		s.mu.Unlock()
		if have >= n {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d of %d wait", have, n)
		}
	}
}

// A wake-up for one clears the announcement of all who sleep. Rouse finds them all the same, and so does Evict.
func TestRouse(t *testing.T) {
	setSlice(t, never)
	for what, wake := range map[string]func(stock, *evicted){
		"Rouse": func(s stock, _ *evicted) { s.e.Rouse() },
		"Evict": func(s stock, who *evicted) { s.e.Evict(who) },
	} {
		s, who, done := newStock(newPage(t)), new(evicted), make(chan error, 1)
		go func() { done <- s.e.Await(bg, who, who.gone.Load) }()
		joined(t, &s.e.Seq, 1)
		for !s.e.Awaited() {
			time.Sleep(time.Millisecond)
		}
		time.Sleep(20 * time.Millisecond) // asleep; one that is not makes the test easier
		atomic.StoreUint32(&s.e.Waiting, 0)
		who.gone.Store(true)
		wake(s, who)
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("%s: %v", what, err)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%s leaves one asleep", what)
		}
		empty(t)
	}
}

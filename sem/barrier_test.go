package sem_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/race"
	"github.com/shmkit/shmkit/sem"
)

func newBarrier(parties int) *sem.Barrier {
	b := new(sem.Barrier)
	b.Init(parties)
	return b
}

// comes polls until something is so; whoever would wait for ever is ended with its test.
func comes(t testing.TB, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(50 * time.Microsecond) {
		if time.Now().After(end) {
			t.Error("it does not come")
			return
		}
	}
}

// waiters starts n parties; their errors come in any order.
func waiters(ctx context.Context, b *sem.Barrier, n int) chan error {
	got := make(chan error, n)
	for range n {
		go func() {
			_, err := b.Wait(ctx, nil)
			got <- err
		}()
	}
	return got
}

// expect takes n errors and fails the test where one is another.
func expect(t testing.TB, got chan error, n int, want error) {
	t.Helper()
	for range n {
		if err := <-got; !errors.Is(err, want) || want == nil && err != nil {
			t.Errorf("a party got %v; want %v", err, want)
		}
	}
}

// meet sees that a round of all parties is completed.
func meet(t testing.TB, b *sem.Barrier) {
	t.Helper()
	expect(t, waiters(within(t), b, b.Parties()), b.Parties(), nil)
}

func TestBarrierInit(t *testing.T) {
	var b sem.Barrier
	if _, err := b.Wait(context.Background(), nil); !errors.Is(err, sem.ErrUninitialized) {
		t.Errorf("Wait before Init: %v", err)
	}
	if err := b.Join(); !errors.Is(err, sem.ErrUninitialized) {
		t.Errorf("Join before Init: %v", err)
	}
	b.Abort()
	b.Reset()
	if b.Broken() || b.Parties() != 0 || b.Waiting() != 0 {
		t.Error("a zero Barrier is not empty")
	}
	for _, n := range []int{-1, 0, sem.MaxParties + 1} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("Init(%d) does not panic", n)
				}
			}()
			b.Init(n)
		}()
	}
	b.Init(sem.MaxParties)
	meet(t, &b)
}

func TestBarrierAlone(t *testing.T) {
	b := newBarrier(1)
	ran := 0
	for range 3 {
		if i, err := b.Wait(ended(), func() error { ran++; return nil }); i != 0 || err != nil {
			t.Fatal(i, err)
		}
	}
	if ran != 3 {
		t.Errorf("3 rounds, %d actions", ran)
	}
	ctx := context.Background()
	if n := testing.AllocsPerRun(100, func() { b.Wait(ctx, nil) }); n != 0 && !race.Enabled {
		t.Errorf("%v allocations", n)
	}
}

// Everybody sees the action's writes, once each round, under a number of its own.
func TestBarrierRounds(t *testing.T) {
	const parties, rounds = 5, 300
	b := newBarrier(parties)
	acts := 0 // written by actions only, read between them
	seen := make([][parties]bool, rounds)
	var all sync.WaitGroup
	ctx := within(t)
	for range parties {
		all.Go(func() {
			for r := range rounds {
				i, err := b.Wait(ctx, func() error { acts++; return nil })
				if err != nil || seen[r][i] || acts != r+1 {
					t.Errorf("round %d: %d %v, seen %v, %d actions", r, i, err, seen[r], acts)
					b.Abort()
					return
				}
				seen[r][i] = true
			}
		})
	}
	all.Wait()
}

func TestBarrierActionFails(t *testing.T) {
	failed := errors.New("no")
	for name, action := range map[string]func() error{
		"error":  func() error { return failed },
		"panic":  func() error { panic(failed) },
		"goexit": func() error { runtime.Goexit(); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBarrier(3)
			got := waiters(within(t), b, 2)
			comes(t, func() bool { return b.Waiting() == 2 })
			var err error
			done := make(chan struct{})
			go func() {
				defer close(done)
				defer func() {
					if e := recover(); e != nil {
						err = e.(error)
					}
				}()
				_, err = b.Wait(context.Background(), action)
			}()
			<-done
			if name != "goexit" && err != failed {
				t.Errorf("%v; want what the action said", err)
			}
			expect(t, got, 2, sem.ErrBroken)
			if _, err := b.Wait(ended(), nil); err != sem.ErrBroken || !b.Broken() {
				t.Errorf("Wait on a broken barrier: %v", err)
			}
			b.Reset()
			meet(t, b)
		})
	}
}

func TestBarrierBreaks(t *testing.T) {
	for name, f := range map[string]func(b *sem.Barrier){
		"abort": func(b *sem.Barrier) { b.Abort() },
		"reset": func(b *sem.Barrier) { b.Reset() },
		"context": func(b *sem.Barrier) {
			if i, err := b.Wait(ended(), nil); i != -1 || err != context.Canceled {
				t.Errorf("%d, %v", i, err)
			}
		},
		"deadline": func(b *sem.Barrier) {
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Millisecond)
			defer cancel()
			if i, err := b.Wait(ctx, nil); i != -1 || err != context.DeadlineExceeded {
				t.Errorf("%d, %v", i, err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBarrier(4)
			for range 5 {
				got := waiters(within(t), b, 2)
				comes(t, func() bool { return b.Waiting() == 2 })
				f(b)
				if b.Broken() != (name != "reset") {
					t.Errorf("broken: %v", b.Broken())
				}
				expect(t, got, 2, sem.ErrBroken)
				b.Reset()
				meet(t, b)
			}
		})
	}
}

// An abort, a reset and a context that end while the action runs break the round, and the runner learns it.
func TestBarrierBreaksWhileActionRuns(t *testing.T) {
	for name, f := range map[string]func(b *sem.Barrier, cancel func()){
		"abort":  func(b *sem.Barrier, cancel func()) { b.Abort() },
		"reset":  func(b *sem.Barrier, cancel func()) { b.Reset() },
		"cancel": func(b *sem.Barrier, cancel func()) { cancel(); comes(t, b.Broken) },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBarrier(2)
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			got := waiters(ctx, b, 1)
			comes(t, func() bool { return b.Waiting() == 1 })
			_, err := b.Wait(within(t), func() error { f(b, cancel); return nil })
			if err != sem.ErrBroken {
				t.Errorf("the runner got %v", err)
			}
			if name == "cancel" {
				expect(t, got, 1, context.Canceled)
			} else {
				expect(t, got, 1, sem.ErrBroken)
			}
			b.Reset()
			meet(t, b)
		})
	}
}

// Four times as many as there are places: two at a time. One that has found no place gives up, and breaks
// nothing.
func TestBarrierMoreThanParties(t *testing.T) {
	b := newBarrier(2)
	expect(t, waiters(within(t), b, 8), 8, nil)
	for range 2 {
		if err := b.Join(); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Join(); err == nil {
		t.Error("more than two have joined")
	}
	got := waiters(within(t), b, 1)
	comes(t, func() bool { return b.Waiting() == 1 })
	_, err := b.Wait(within(t), func() error {
		_, err := b.Wait(ended(), nil)
		return err
	})
	if err != context.Canceled {
		t.Errorf("a third party got %v", err)
	}
	expect(t, got, 1, sem.ErrBroken)
}

// Joined places are used by Wait, and outlast Reset.
func TestBarrierJoin(t *testing.T) {
	b := newBarrier(3)
	for range 3 {
		if err := b.Join(); err != nil {
			t.Fatal(err)
		}
	}
	b.Abort()
	b.Reset()
	if err := b.Join(); err == nil {
		t.Error("a fourth party")
	}
	meet(t, b)
	if err := b.Join(); err != nil {
		t.Error("after a round: ", err)
	}
	if got := fmt.Sprint(b.Parties(), b.Waiting(), b.Broken()); got != "3 0 false" {
		t.Error(got)
	}
}

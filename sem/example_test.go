package sem_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"sync"
	"time"

	"github.com/shmkit/shmkit/sem"
	"github.com/shmkit/shmkit/shm"
)

// A lock is a field of the struct that it guards, in a segment that any process on the machine can open.
func ExampleMutex() {
	type Stats struct {
		Mu   sem.Mutex
		Hits int64
	}
	v, err := shm.OpenOrCreate[Stats]("example.mutex")
	if err != nil {
		log.Fatal(err)
	}
	defer v.Close()
	defer v.Unlink() // only in an example: a name should outlive its users

	s := v.Ptr()
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() { // or in ten processes
			s.Mu.Lock()
			defer s.Mu.Unlock()
			s.Hits++
		})
	}
	all.Wait()
	fmt.Println(s.Hits)
	// Output: 10
}

// A holder may be stopped for as long as it likes. Who cannot wait for that gives a context.
func ExampleMutex_LockContext() {
	v, err := shm.New[sem.Mutex]()
	if err != nil {
		log.Fatal(err)
	}
	defer v.Close()
	mu := v.Ptr()
	mu.Lock()

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	err = mu.LockContext(ctx)
	fmt.Println(errors.Is(err, context.DeadlineExceeded), mu.TryLock())
	mu.Unlock()
	fmt.Println(mu.TryLock())
	mu.Unlock()
	// Output:
	// true false
	// true
}

// Two sums that must agree. Whoever locks after a holder was killed between them repairs them first: the
// program examples/counter does that.
func ExampleMutex_Guard() {
	type Ledger struct {
		Mu            sem.Mutex
		Debit, Credit int64
	}
	v, err := shm.New[Ledger]()
	if err != nil {
		log.Fatal(err)
	}
	defer v.Close()
	l := v.Ptr()

	mu := l.Mu.Guard(func() { l.Credit = l.Debit })
	mu.Lock()
	l.Debit += 5
	l.Credit += 5
	mu.Unlock()
	fmt.Println(l.Debit, l.Credit)
	// Output: 5 5
}

// Tokens that one side hands out and the other waits for.
func ExampleSemaphore() {
	type Work struct {
		Ready sem.Semaphore
		Done  sem.Semaphore
	}
	v, err := shm.New[Work]()
	if err != nil {
		log.Fatal(err)
	}
	defer v.Close()
	w := v.Ptr()
	ctx := context.Background()

	go func() { // or another process
		for range 3 {
			if w.Ready.Acquire(ctx) != nil || w.Done.Release(1) != nil {
				return
			}
		}
	}()
	if err := w.Ready.Release(3); err != nil {
		log.Fatal(err)
	}
	for range 3 {
		if err := w.Done.Acquire(ctx); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(w.Ready.Value(), w.Done.Value(), w.Ready.TryAcquire())
	// Output: 0 0 false
}

package sem_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"sync"

	"github.com/shmkit/shmkit/sem"
	"github.com/shmkit/shmkit/shm"
)

// Three parties work in steps: none begins the next before all have done the last.
func ExampleBarrier() {
	cfg := shm.Config[sem.Barrier]{Init: func(b *sem.Barrier) { b.Init(3) }}
	v, err := cfg.New()
	if err != nil {
		log.Fatal(err)
	}
	defer v.Close()
	b := v.Ptr()

	steps := 0
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() { // or in three processes
			for range 2 {
				_, err := b.Wait(context.Background(), func() error {
					steps++ // once a round, while the others wait
					return nil
				})
				if err != nil {
					log.Print(err)
					return
				}
			}
		})
	}
	all.Wait()
	fmt.Println(steps)
	// Output: 2
}

// A party that gives up, or dies, breaks the round for all, so that nobody waits for it for ever.
func ExampleBarrier_Reset() {
	cfg := shm.Config[sem.Barrier]{Init: func(b *sem.Barrier) { b.Init(2) }}
	v, err := cfg.New()
	if err != nil {
		log.Fatal(err)
	}
	defer v.Close()
	b := v.Ptr()

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = b.Wait(ctx, nil)
	fmt.Println(err)
	_, err = b.Wait(context.Background(), nil)
	fmt.Println(errors.Is(err, sem.ErrBroken), b.Broken())
	b.Reset()
	fmt.Println(b.Broken())
	// Output:
	// context canceled
	// true true
	// false
}

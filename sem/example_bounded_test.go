package sem_test

import (
	"context"
	"fmt"
	"log"

	"github.com/shmkit/shmkit/sem"
	"github.com/shmkit/shmkit/shm"
)

// Two at a time, on the whole machine. What a process had that died comes back.
func ExampleBoundedSemaphore() {
	c := shm.Config[sem.BoundedSemaphore]{Init: func(b *sem.BoundedSemaphore) { b.Init(2) }}
	v, err := c.New()
	if err != nil {
		log.Fatal(err)
	}
	defer v.Close()
	slots := v.Ptr()

	if err := slots.Acquire(context.Background()); err != nil {
		log.Fatal(err)
	}
	fmt.Println(slots.Value(), "of", slots.Cap(), "are free")
	fmt.Println(slots.TryAcquire(), slots.TryAcquire())
	fmt.Println(slots.Release(), slots.Release())
	fmt.Println(slots.Release() != nil)
	// Output:
	// 1 of 2 are free
	// true false
	// <nil> <nil>
	// true
}

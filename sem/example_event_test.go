package sem_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/shmkit/shmkit/sem"
	"github.com/shmkit/shmkit/shm"
)

// A gate that one process opens for all.
func ExampleEvent() {
	v, err := shm.New[sem.Event]()
	if err != nil {
		log.Fatal(err)
	}
	defer v.Close()
	ready := v.Ptr()

	go ready.Set() // or another process
	if err := ready.Wait(context.Background()); err != nil {
		log.Fatal(err)
	}
	fmt.Println(ready.IsSet())
	ready.Clear()
	fmt.Println(ready.IsSet())
	// Output:
	// true
	// false
}

// An event beside channels. It is cleared before what it tells of is looked at, so that nothing is missed.
func ExampleEvent_Notify() {
	v, err := shm.New[sem.Event]()
	if err != nil {
		log.Fatal(err)
	}
	defer v.Close()
	news := v.Ptr()

	c := make(chan struct{}, 1)
	stop := news.Notify(c)
	defer stop()
	news.Set()
	select {
	case <-c:
		news.Clear()
		fmt.Println("news")
	case <-time.After(time.Minute):
		fmt.Println("no news")
	}
	// Output: news
}

// Tokens beside channels: whoever is told takes until there is nothing left.
func ExampleSemaphore_Notify() {
	v, err := shm.New[sem.Semaphore]()
	if err != nil {
		log.Fatal(err)
	}
	defer v.Close()
	s := v.Ptr()
	if err := s.Release(3); err != nil {
		log.Fatal(err)
	}

	c := make(chan struct{}, 1)
	stop := s.Notify(c)
	defer stop()
	<-c
	n := 0
	for s.TryAcquire() {
		n++
	}
	fmt.Println(n)
	// Output: 3
}

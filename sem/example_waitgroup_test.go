package sem_test

import (
	"context"
	"fmt"
	"log"

	"github.com/shmkit/shmkit/sem"
	"github.com/shmkit/shmkit/shm"
)

// Work is counted by who hands it out, and entered by who does it: the worker may be killed, and Wait returns
// all the same.
func ExampleWaitGroup() {
	v, err := shm.New[sem.WaitGroup]()
	if err != nil {
		log.Fatal(err)
	}
	defer v.Close()
	g := v.Ptr()

	g.Add(1)
	go func() { // or another process
		g.Enter()
		g.Done() // from here on it is counted by its process
		fmt.Println("working")
		g.Leave()
	}()
	if err := g.Wait(context.Background()); err != nil {
		log.Fatal(err)
	}
	fmt.Println("done")
	// Output:
	// working
	// done
}

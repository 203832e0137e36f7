package sem_test

import (
	"context"
	"fmt"
	"log"

	"github.com/shmkit/shmkit/sem"
)

// A thousand connections at a time, on the whole machine. What a process had that died comes back.
func ExampleBounded() {
	conns, err := sem.OpenOrCreateBounded("app.connections", 1000)
	if err != nil {
		log.Fatal(err)
	}
	defer conns.Close()
	defer conns.Unlink() // for the example

	if err := conns.Acquire(context.Background()); err != nil {
		log.Fatal(err)
	}
	fmt.Println(conns.Value(), "of", conns.Cap(), "are free")
	fmt.Println(conns.Release())
	fmt.Println(conns.Release() != nil)
	// Output:
	// 999 of 1000 are free
	// <nil>
	// true
}

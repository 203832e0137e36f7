// Hits counts how often it was run, by how many processes at once does not matter.
package main

import (
	"fmt"
	"log"

	"github.com/shmkit/shmkit/sem"
	"github.com/shmkit/shmkit/shm"
)

// Stats lies in shared memory. Zeroed, as it is made, it is ready.
type Stats struct {
	Mu   sem.Mutex
	Hits int64
}

func main() {
	v, err := shm.OpenOrCreate[Stats]("example.hits")
	if err != nil {
		log.Fatal(err)
	}
	defer v.Close()
	s := v.Ptr()
	mu := s.Mu.Guard(func() { s.Hits = 0 }) // mends what a dead holder left, before Lock returns
	mu.Lock()
	defer mu.Unlock()
	s.Hits++
	fmt.Println("hits:", s.Hits)
}

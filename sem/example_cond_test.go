package sem_test

import (
	"context"
	"fmt"
	"log"

	"github.com/shmkit/shmkit/sem"
	"github.com/shmkit/shmkit/shm"
)

// Who waits for what a mutex guards sleeps until somebody says that it has changed.
func ExampleCond() {
	type Stock struct {
		Mu   sem.Mutex
		More sem.Cond
		Here int64
	}
	v, err := shm.New[Stock]()
	if err != nil {
		log.Fatal(err)
	}
	defer v.Close()
	s := v.Ptr()

	go func() { // or another process
		s.Mu.Lock()
		s.Here += 5
		s.Mu.Unlock()
		s.More.Signal(1)
	}()
	s.Mu.Lock()
	defer s.Mu.Unlock()
	if err := s.More.WaitFor(context.Background(), &s.Mu, func() bool { return s.Here >= 3 }); err != nil {
		log.Fatal(err)
	}
	s.Here -= 3
	fmt.Println(s.Here)
	// Output: 2
}

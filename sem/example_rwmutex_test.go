package sem_test

import (
	"fmt"
	"log"
	"sync"

	"github.com/shmkit/shmkit/sem"
	"github.com/shmkit/shmkit/shm"
)

// Many read a table, somebody changes it now and then.
func ExampleRWMutex() {
	type Table struct {
		Mu    sem.RWMutex
		Limit [3]int64
	}
	v, err := shm.New[Table]()
	if err != nil {
		log.Fatal(err)
	}
	defer v.Close()
	t := v.Ptr()

	t.Mu.Lock()
	t.Limit = [3]int64{10, 20, 30}
	t.Mu.Unlock()

	var all sync.WaitGroup
	sums := make([]int64, 4)
	for i := range sums {
		all.Go(func() { // or in four processes
			t.Mu.RLock()
			defer t.Mu.RUnlock()
			for _, x := range t.Limit {
				sums[i] += x
			}
		})
	}
	all.Wait()
	fmt.Println(sums)
	// Output: [60 60 60 60]
}

// A writer that is killed between the two fields leaves them apart. Who locks next, be it to read, repairs
// them first.
func ExampleRWMutex_Guard() {
	type Account struct {
		Mu            sem.RWMutex
		Debit, Credit int64
	}
	v, err := shm.New[Account]()
	if err != nil {
		log.Fatal(err)
	}
	defer v.Close()
	a := v.Ptr()

	mu := a.Mu.Guard(func() { a.Credit = a.Debit })
	mu.Lock()
	a.Debit += 5
	a.Credit += 5
	mu.Unlock()

	mu.RLock()
	fmt.Println(a.Debit, a.Credit)
	mu.RUnlock()
	// Output: 5 5
}

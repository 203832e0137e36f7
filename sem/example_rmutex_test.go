package sem_test

import (
	"fmt"
	"log"

	"github.com/shmkit/shmkit/sem"
	"github.com/shmkit/shmkit/shm"
)

// A lock that may be taken again by who has it. Goroutines have no identity, so an Owner stands for one.
func ExampleRMutex() {
	v, err := shm.New[sem.RMutex]()
	if err != nil {
		log.Fatal(err)
	}
	defer v.Close()
	me, other := v.Ptr().Owner(), v.Ptr().Owner()

	me.Lock()
	me.Lock()
	fmt.Println(me.Depth(), other.TryLock())
	me.Unlock()
	fmt.Println(me.Depth(), other.TryLock())
	me.Unlock()
	fmt.Println(me.Depth(), other.TryLock())
	other.Unlock()
	// Output:
	// 2 false
	// 1 false
	// 0 true
}

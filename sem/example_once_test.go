package sem_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/shmkit/shmkit/sem"
	"github.com/shmkit/shmkit/shm"
)

// A table that the first process which needs it fills. If that fails, or the process dies, the next one fills
// it from the start.
func ExampleOnce() {
	type Table struct {
		Filled  sem.Once
		Squares [10]int64
	}
	v, err := shm.New[Table]()
	if err != nil {
		log.Fatal(err)
	}
	defer v.Close()
	t := v.Ptr()
	ctx := context.Background()

	fmt.Println(t.Filled.Do(ctx, func() error { return errors.New("no time") }))
	for range 2 {
		err := t.Filled.Do(ctx, func() error {
			fmt.Println("filling")
			for i := range t.Squares {
				t.Squares[i] = int64(i * i)
			}
			return nil
		})
		fmt.Println(t.Squares[7], err)
	}
	// Output:
	// no time
	// filling
	// 49 <nil>
	// 49 <nil>
}

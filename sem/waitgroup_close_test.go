package sem_test

import (
	"context"
	"testing"

	"github.com/shmkit/shmkit/sem"
	"github.com/shmkit/shmkit/shm"
)

// The workers of this process are gone when Wait returns: their last step must not touch memory that is given
// up then.
func TestWaitGroupMayBeClosedAfterWait(t *testing.T) {
	for i := range 3000 {
		v, err := shm.New[sem.WaitGroup]()
		if err != nil {
			t.Fatal(err)
		}
		g := v.Ptr()
		g.Add(1)
		go func() {
			if i%2 == 0 {
				g.Done()
				return
			}
			g.Enter()
			g.Done()
			g.Leave()
		}()
		if err := g.Wait(context.Background()); err != nil {
			t.Fatal(err)
		}
		if err := v.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

package ringbuf_test

import (
	"context"
	"fmt"
	"log"
	"sync"

	"github.com/shmkit/shmkit/ringbuf"
)

// Several workers share the jobs. Each may be a goroutine with a clone, or a process that has opened the ring by its
// name or handle text.
func ExampleMPMC() {
	jobs, err := ringbuf.NewMPMC[int](64)
	if err != nil {
		log.Fatal(err)
	}
	defer jobs.Close()
	ctx := context.Background()
	var workers sync.WaitGroup
	sums := make([]int, 3)
	for i := range sums {
		mine := jobs.Clone()
		workers.Go(func() {
			defer mine.Close()
			for job, err := range mine.All(ctx) {
				if err != nil {
					log.Fatal(err)
				}
				sums[i] += job
			}
		})
	}
	for job := range 100 {
		if err := jobs.Put(ctx, job); err != nil {
			log.Fatal(err)
		}
	}
	jobs.Shutdown()
	workers.Wait()
	fmt.Println(sums[0] + sums[1] + sums[2])
	// Output: 4950
}

// In place a job is not lost with the worker that has it: it goes to somebody else, and says so.
func ExampleMPMC_Take() {
	jobs, err := ringbuf.NewMPMC[[4]int](8)
	if err != nil {
		log.Fatal(err)
	}
	defer jobs.Close()
	ctx := context.Background()

	slot, err := jobs.Reserve(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer slot.Abort() // does nothing behind Commit
	for i := range slot.V {
		slot.V[i] = i * i
	}
	slot.Commit()

	job, err := jobs.Take(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(*job.V, job.Redelivered())
	job.Release()
	// Output: [0 1 4 9] false
}

// Messages of any length, from any number of processes to any number, without a copy on either side.
func ExampleReserveSlot() {
	frames, err := ringbuf.MPMCConfig[[]byte]{Cap: 8 << 20, MaxMessage: 1 << 20}.New()
	if err != nil {
		log.Fatal(err)
	}
	defer frames.Close()
	ctx := context.Background()

	slot, err := ringbuf.ReserveSlot(ctx, frames, 640*480)
	if err != nil {
		log.Fatal(err)
	}
	defer slot.Abort() // does nothing behind Commit
	copy(slot.B, "a picture")
	slot.Commit()
	if err := frames.Put(ctx, []byte("a short one")); err != nil {
		log.Fatal(err)
	}

	frame, err := ringbuf.TakeBytes(ctx, frames)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(frame.B), string(frame.B[:9]))
	frame.Release()

	buf := make([]byte, frames.MaxMessage()) // so that nothing is allocated
	buf, err = ringbuf.GetBytes(ctx, frames, buf)
	fmt.Println(string(buf), err)
	// Output:
	// 307200 a picture
	// a short one <nil>
}

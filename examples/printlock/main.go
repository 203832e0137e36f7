// Printlock has processes print several lines each, which stay together because a lock in shared memory is held.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/shmkit/shmkit/process"
	"github.com/shmkit/shmkit/sem"
	"github.com/shmkit/shmkit/shm"
)

type args struct {
	Lock *shm.Var[sem.Mutex] // arrives open on the same lock
	Item int
}

var printer = process.Register("printer", func(_ context.Context, a args) error {
	mu := a.Lock.Ptr()
	mu.Lock()
	defer mu.Unlock()
	fmt.Printf("item %d begins, pid %d\n", a.Item, os.Getpid())
	fmt.Printf("item %d ends\n", a.Item)
	return nil
})

func main() {
	process.Main()
	ctx := context.Background()
	lock, err := shm.New[sem.Mutex]()
	if err != nil {
		log.Fatal(err)
	}
	defer lock.Close()
	var children []*process.Process
	for item := range 3 {
		p, err := printer.Start(ctx, args{lock, item + 1})
		if err != nil {
			log.Fatal(err)
		}
		children = append(children, p)
	}
	for _, p := range children {
		if err := p.Join(ctx); err != nil {
			log.Fatal(err)
		}
	}
}

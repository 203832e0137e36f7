// Ten starts ten processes that print under a lock, a line each.
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/shmkit/shmkit/process"
	"github.com/shmkit/shmkit/sem"
	"github.com/shmkit/shmkit/shm"
)

type args struct {
	Lock *shm.Var[sem.Mutex]
	N    int
}

var hello = process.Register("hello", func(ctx context.Context, a args) error {
	mu := a.Lock.Ptr()
	if err := mu.LockContext(ctx); err != nil {
		return err
	}
	defer mu.Unlock()
	fmt.Print("hello ", "from ")
	fmt.Println("process", a.N)
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
	for n := range 10 {
		if _, err := hello.Start(ctx, args{lock, n}); err != nil {
			log.Fatal(err)
		}
	}
	for _, p := range process.Children() { // who has ended already is not there any more
		if err := p.Join(ctx); err != nil {
			log.Fatal(err)
		}
	}
}

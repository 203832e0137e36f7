// Mixed sends a list of mixed things through a Queue to another process, and three values back.
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/shmkit/shmkit/process"
	"github.com/shmkit/shmkit/queue"
)

type args struct {
	There *queue.Queue[[]any]
	Back  *queue.SimpleQueue[string]
}

var child = process.Register("child", func(ctx context.Context, a args) error {
	list, err := a.There.Get(ctx)
	if err != nil {
		return err
	}
	for _, x := range list {
		if err := a.Back.Put(ctx, fmt.Sprintf("%T %v", x, x)); err != nil {
			return err
		}
	}
	return nil
})

func main() {
	process.Main()
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	there, err := queue.New[[]any](0)
	if err != nil {
		return err
	}
	defer there.Close()
	back, err := queue.NewSimple[string]()
	if err != nil {
		return err
	}
	defer back.Close()
	p, err := child.Start(ctx, args{there, back})
	if err != nil {
		return err
	}
	list := []any{11, nil, "lily"}
	if err := there.Put(ctx, list); err != nil {
		return err
	}
	for range list {
		s, err := back.Get(ctx)
		if err != nil {
			return err
		}
		fmt.Println(s)
	}
	return p.Join(ctx)
}

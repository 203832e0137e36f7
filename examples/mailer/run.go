package main

import (
	"context"
	"fmt"

	"github.com/shmkit/shmkit/process"
	"github.com/shmkit/shmkit/queue"
)

// run is the service and one who uses it.
func run(ctx context.Context) error {
	life, end := context.WithCancel(ctx)
	defer end()
	var ps []*process.Process
	for _, f := range []*process.Func[struct{}]{clerk, sender, sender} {
		p, err := f.Start(life, struct{}{})
		if err != nil {
			return err
		}
		ps = append(ps, p)
	}
	if err := use(ctx); err != nil {
		return err
	}
	end()
	for _, p := range ps {
		if err := p.Join(ctx); err != nil {
			return err
		}
	}
	return nil
}

func use(ctx context.Context) error {
	q, err := mails.OpenOrCreate(mailsName)
	if err != nil {
		return err
	}
	defer q.Close()
	defer q.Unlink() // a service would leave it to its next run
	for _, to := range []string{"ann@acme", "bob", "cid@acme"} {
		if err := q.Put(ctx, Mail{to, "hello"}); err != nil {
			return err
		}
	}
	if err := q.Join(ctx); err != nil { // each is delivered, or dead
		return err
	}
	left, err := ask(ctx, "how many?")
	if err != nil {
		return err
	}
	fmt.Println("the clerk:", left, "left")
	return lookThrough()
}

func ask(ctx context.Context, question string) (left int, err error) {
	c, err := dial(ctx, clerkName)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	if err := c.Send(ctx, question); err != nil {
		return 0, err
	}
	err = c.Recv(ctx, &left)
	return left, err
}

// lookThrough takes the dead letters out of their queue.
func lookThrough() error {
	dead, err := queue.Open[Mail](deadName)
	if err != nil {
		return err
	}
	defer dead.Close()
	defer dead.Unlink()
	for {
		m, err := dead.TryGet()
		if err == queue.ErrEmpty {
			return nil
		}
		if err != nil {
			return err
		}
		fmt.Println("a dead letter to", m.To)
	}
}

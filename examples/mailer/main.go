// Mailer is a service of several programs: senders take mails from a queue that has a name, try each up to three times, and then put it
// aside as a dead letter; a clerk answers over a pipe how many are left. Here they are children of one program, but nothing
// is passed to them: any program finds the queue and the clerk by their names.
package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"strings"
	"syscall"
	"time"

	"github.com/shmkit/shmkit/pipe"
	"github.com/shmkit/shmkit/process"
	"github.com/shmkit/shmkit/queue"
)

// Mail is a task.
type Mail struct{ To, Text string }

const (
	mailsName = "acme.mails"
	deadName  = "acme.mails.dead"
	clerkName = "acme.clerk"
)

// mails is how every program opens the queue.
var mails = queue.JoinableConfig[Mail]{Cap: 1000, MaxAttempts: 3, Dead: deadName}

var sender = process.Register("sender", func(ctx context.Context, _ struct{}) error {
	q, err := mails.OpenOrCreate(mailsName)
	if err != nil {
		return err
	}
	defer q.Close()
	for task, err := range q.All(ctx) {
		if err != nil {
			return unlessOver(ctx, err)
		}
		if err := deliver(task.Value); err != nil {
			task.Fail() // another one tries
			continue
		}
		if err := task.Done(); err != nil {
			return err
		}
	}
	return nil
})

// unlessOver is nil if the error came of being asked to end.
func unlessOver(ctx context.Context, err error) error {
	if errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

func deliver(m Mail) error {
	if !strings.Contains(m.To, "@") {
		return fmt.Errorf("no address: %q", m.To)
	}
	return nil
}

var clerk = process.Register("clerk", func(ctx context.Context, _ struct{}) error {
	q, err := mails.OpenOrCreate(mailsName)
	if err != nil {
		return err
	}
	defer q.Close()
	l, err := pipe.Config{}.Listen(clerkName)
	if err != nil {
		return err
	}
	defer l.Close()
	for {
		c, err := l.AcceptContext(ctx)
		if err != nil {
			return unlessOver(ctx, err)
		}
		go answer(ctx, c, q) // who is slow holds nobody up
	}
})

// answer answers each question, until the asker closes or dies.
func answer(ctx context.Context, c *pipe.Conn, q *queue.JoinableQueue[Mail]) {
	defer c.Close()
	for {
		var question string
		if c.Recv(ctx, &question) != nil || c.Send(ctx, q.Unfinished()) != nil {
			return
		}
	}
}

// dial tries again while nobody is there: not yet, or between two runs of the service.
func dial(ctx context.Context, name string) (*pipe.Conn, error) {
	for {
		c, err := pipe.Dial(ctx, name)
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ECONNREFUSED) {
			return c, err
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func main() {
	process.Main()
	ctx, end := context.WithTimeout(context.Background(), time.Minute)
	defer end()
	if err := run(ctx); err != nil {
		log.Fatal(err)
	}
}

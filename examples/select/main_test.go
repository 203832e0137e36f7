package main

import (
	"context"
	"errors"
	"os"
	"syscall"
	"testing"

	"github.com/shmkit/shmkit/examples/internal/shown"
	"github.com/shmkit/shmkit/process"
	"github.com/shmkit/shmkit/queue"
	"github.com/shmkit/shmkit/shm/shmtest"
)

func TestMain(m *testing.M) { shmtest.Main(m) }

func TestShown(t *testing.T) { shown.Check(t, main, false) }

// dies calls, puts something and is killed.
var dies = process.Register("dies", func(ctx context.Context, a args) error {
	if err := call(ctx, a.Name, "here"); err != nil {
		return err
	}
	if err := a.Results.Put(ctx, "last"); err != nil {
		return err
	}
	me, err := os.FindProcess(os.Getpid())
	if err != nil {
		return err
	}
	if err := me.Kill(); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
})

// A worker that dies is told by its exit, though its queue never comes to an end.
func TestWorkerDies(t *testing.T) {
	d, err := open()
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	p, err := dies.Start(t.Context(), args{d.listener.Addr().String(), d.results})
	if err != nil {
		t.Fatal(err)
	}
	err = d.serve(p, numbers())
	if e := new(process.ExitError); !errors.As(err, &e) || e.Signal != syscall.SIGKILL {
		t.Error(err)
	}
	if err := d.drain(); err != queue.ErrEmpty { // what it had put before is there
		t.Error(err)
	}
	if err := d.hear(); err != nil || d.items != 1 || len(d.said) != 1 {
		t.Errorf("%v: %d items, said: %q", err, d.items, d.said)
	}
}

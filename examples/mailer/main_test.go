package main

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/shmkit/shmkit/examples/internal/shown"
	"github.com/shmkit/shmkit/pipe"
	"github.com/shmkit/shmkit/queue"
	"github.com/shmkit/shmkit/shm/shmtest"
)

func TestMain(m *testing.M) { shmtest.Main(m) }

func TestShown(t *testing.T) { shown.Check(t, main, false) }

// A sender that is killed, or ends, leaves its mails to the next one.
func TestRestart(t *testing.T) {
	q, err := mails.OpenOrCreate(mailsName)
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	defer q.Unlink()
	defer func() {
		if d, err := queue.Open[Mail](deadName); err == nil {
			_ = errors.Join(d.Unlink(), d.Close())
		}
	}()
	for range 3 {
		p, err := sender.Start(t.Context(), struct{}{})
		if err != nil {
			t.Fatal(err)
		}
		for range 100 {
			if err := q.Put(t.Context(), Mail{"ann@acme", "hello"}); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.Kill(); err != nil {
			t.Fatal(err)
		}
		<-p.Done()
	}
	life, end := context.WithCancel(t.Context())
	p, err := sender.Start(life, struct{}{})
	if err != nil {
		t.Fatal(err)
	}
	limited, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := q.Join(limited); err != nil {
		t.Fatal(err)
	}
	end()
	if err := p.Join(limited); err != nil {
		t.Error(err)
	}
}

// Who dials before there is a listener meets it all the same.
func TestDialEarly(t *testing.T) {
	got := make(chan error, 1)
	go func() {
		c, err := dial(t.Context(), "early")
		if err == nil {
			err = c.Close()
		}
		got <- err
	}()
	time.Sleep(30 * time.Millisecond)
	l, err := pipe.Listen("early")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(<-got, c.Close()); err != nil {
		t.Error(err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := dial(over, "nobody"); err != context.Canceled {
		t.Error(err)
	}
}

package process

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// lifetime is the context of a child's function: it ends when the parent asks, with the first SIGTERM and the first
// SIGINT. Both are listened for from the moment on when somebody asks it. Until then the parent's request waits, and
// signals do what they do to any program; a function that never asks could not do anything about them. (Listening
// makes threads, and would double what a short child costs over a bare program.)
type lifetime struct {
	context.Context // what it is derived from contexts by: they see no foreign type and need no goroutine
	cancel          context.CancelCauseFunc
	up              io.Reader
	listening       sync.Once
}

func newLifetime(up io.Reader) *lifetime {
	l := &lifetime{up: up}
	l.Context, l.cancel = context.WithCancelCause(context.Background())
	return l
}

// Done implements context.Context.
func (l *lifetime) Done() <-chan struct{} {
	l.listening.Do(l.listen)
	return l.Context.Done()
}

// Err implements context.Context.
func (l *lifetime) Err() error {
	l.listening.Do(l.listen)
	return l.Context.Err()
}

func (l *lifetime) listen() {
	asked := make(chan os.Signal, 4)
	for _, s := range []os.Signal{syscall.SIGTERM, syscall.SIGINT} {
		if !signal.Ignored(s) { // as SIGINT is in the background of a shell without job control
			signal.Notify(asked, s)
		}
	}
	go l.signals(asked)
	go l.requests()
}

// signals ends the process with the second SIGINT: that is a person who means it.
func (l *lifetime) signals(asked <-chan os.Signal) {
	for n := 0; ; {
		s := <-asked
		l.end(s)
		if s == syscall.SIGINT {
			if n++; n == 2 {
				signal.Reset(s)
				endBy(syscall.SIGINT)
			}
		}
	}
}

// requests waits for the parent's. At its death a Detached child goes on.
func (l *lifetime) requests() {
	var b [1]byte
	if _, err := io.ReadFull(l.up, b[:]); err == nil && b[0] == asksToEnd {
		l.end("its parent's context has ended")
	}
}

func (l *lifetime) end(why any) {
	l.cancel(fmt.Errorf("process: %s was asked to end: %v", me.current.Name, why))
}

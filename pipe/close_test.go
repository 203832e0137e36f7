package pipe_test

import (
	"testing"
	"time"

	"github.com/shmkit/shmkit/pipe"
)

// A deadline that is set by one who has looked at the Conn just before its Close.
func TestDeadlineBehindClose(t *testing.T) {
	a, _ := newPipe(t, 0)
	if err := a.SetReadDeadline(time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	goOn := pipe.SlowSetReadDeadline(a)
	a.Close()
	done := make(chan struct{})
	go func() {
		goOn(time.Now().Add(time.Hour))
		goOn(time.Time{})
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatal("it waits for ever")
	}
}

package queue_test

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/shmkit/shmkit/queue"
	"github.com/shmkit/shmkit/shm"
)

// A clone of a queue whose file was cut short is a closed handle.
func TestCutClone(t *testing.T) {
	for _, guard := range []bool{false, true} {
		q, err := queue.JoinableConfig[string]{Cap: 4, Mem: shm.Mem{Guard: guard}}.Create("cut.clone")
		if err != nil {
			t.Fatal(err)
		}
		if err := unix.Truncate(os.Getenv("SHMKIT_DIR")+"/cut.clone", 0); err != nil {
			t.Fatal(err)
		}
		p, err := queue.OpenOrCreate[string]("cut.plain", 4)
		if err != nil {
			t.Fatal(err)
		}
		if err := unix.Truncate(os.Getenv("SHMKIT_DIR")+"/cut.plain", 0); err != nil {
			t.Fatal(err)
		}
		c, d := q.Clone(), p.Clone()
		if err := c.TryPut("x"); err != os.ErrClosed {
			t.Error(err)
		}
		if err := c.Shutdown(); err != os.ErrClosed {
			t.Error(err)
		}
		c.Notify(make(chan struct{}, 1))()
		if err := d.TryPut("x"); err != os.ErrClosed {
			t.Error(err)
		}
		if c.Close() != os.ErrClosed || d.Close() != os.ErrClosed {
			t.Error("open")
		}
		q.Unlink()
		p.Unlink()
		q.Close()
		p.Close()
	}
}

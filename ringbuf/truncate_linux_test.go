package ringbuf_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/ringbuf"
	"github.com/shmkit/shmkit/shm"
)

// Each cut runs in a process of its own: one that dies of SIGBUS is seen by its exit code. It says what
// its call returned, and has to live on: to close everything, and to use another ring.
var _ = proctest.Register("cut", func(args []string) int {
	var err error
	guard := args[1] == "guarded"
	if args[0] == "items" {
		err = cutRing(items, 16, args[2], guard)
	} else {
		err = cutRing(form[[]byte]{make: func(n uint64) []byte { return make([]byte, n) }}, 64<<10, args[2], guard)
	}
	fmt.Println(errors.Is(err, shm.ErrTruncated), err)
	r, err := ringbuf.NewSPSC[int](4)
	if err != nil || r.Close() != nil {
		return 1
	}
	return 0
})

const cutName = "cut"

func cutPath() string { return filepath.Join(os.Getenv("SHMKIT_DIR"), cutName) }

func cutRing[T any](f form[T], capacity int, call string, guard bool) error {
	r, err := ringbuf.SPSCConfig[T]{Cap: capacity, Mem: shm.Mem{Guard: guard}}.Create(cutName)
	if err != nil {
		return err
	}
	p, err1 := r.Producer()
	c, err2 := r.Consumer()
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	defer func() { r.Len(); r.Stats(); p.Close(); c.Close(); r.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	cut := func() { _ = os.Truncate(cutPath(), 0) }
	later := func() { time.AfterFunc(50*time.Millisecond, cut) }
	size := uint64(9)
	switch call {
	case "waiting Get":
		later()
		_, err = c.Get(ctx)
	case "waiting Put":
		for p.TryPut(f.make(8000)) == nil {
		}
		later()
		err = p.Put(ctx, f.make(8000))
	case "waiting Next":
		later()
		_, err = c.Next(ctx, 10)
	case "waiting Reserve":
		for p.TryPut(f.make(8000)) == nil {
		}
		later()
		_, err = p.Reserve(ctx, 10)
	case "run": // of slots, in place; what the user writes there is the user's to guard
		cut()
		_, err = p.Reserve(ctx, 10)
	case "large Put":
		p.TryPut(f.make(8000))
		cut()
		err = p.Put(ctx, f.make(8000))
	case "large Get", "batch Next": // the first record is up to the ring's end, the second begins in the page that stays
		for _, n := range []uint64{4088, 8000, 8000, 8000} {
			p.TryPut(f.make(n))
		}
		if _, err := c.TryGet(); err != nil {
			return err
		}
		_ = os.Truncate(cutPath(), 2*4096)
		if call == "large Get" {
			_, err = c.Get(ctx)
		} else {
			_, err = c.Next(ctx, 3)
		}
	case "Put": // one warm item, then the file is gone
		p.TryPut(f.make(size))
		cut()
		err = p.Put(ctx, f.make(size))
	case "Get":
		p.TryPut(f.make(size))
		p.TryPut(f.make(size))
		c.TryGet()
		cut()
		_, err = c.Get(ctx)
	case "Commit": // of a warm reservation: Commit cannot say it, the next call does
		var run []T
		if run, err = p.Reserve(ctx, 1); err == nil {
			cut()
			p.Commit(len(run))
			err = p.TryPut(f.make(size))
		}
	case "Release":
		p.TryPut(f.make(size))
		p.TryPut(f.make(size))
		var run []T
		if run, err = c.Next(ctx, 1); err == nil {
			cut()
			c.Release(len(run))
			_, err = c.TryGet()
		}
	case "Producer":
		p.Close()
		cut()
		_, err = r.Producer()
	case "Consumer":
		c.Close()
		cut()
		_, err = r.Consumer()
	case "Shutdown":
		cut()
		err = r.Shutdown()
	case "Close":
		cut()
		p.Close()
		c.Close()
		r.Close()
		err = shm.ErrTruncated // there is nothing to say
	}
	return err
}

// A named ring whose file is cut short under a call that waits, a run or a large copy: ErrTruncated, and
// the process lives. With Mem.Guard the same holds for everything else.
func TestTruncated(t *testing.T) {
	always := []string{"waiting Get", "waiting Put", "waiting Next", "Close"}
	guarded := []string{"Put", "Get", "Release", "Producer", "Consumer", "Shutdown"}
	for form, more := range map[string][]string{
		"items":    {"waiting Reserve", "run"},
		"messages": {"large Put", "large Get", "batch Next"},
	} {
		for _, guard := range []string{"bare", "guarded"} {
			calls := append(always[:len(always):len(always)], more...)
			if guard == "guarded" {
				calls = append(calls, guarded...)
				if form == "items" {
					calls = append(calls, "Commit")
				}
			}
			for _, call := range calls {
				t.Run(form+"/"+guard+"/"+call, func(t *testing.T) {
					defer os.Remove(cutPath())
					p := proctest.Start(t, "cut", form, guard, call)
					if code := p.Wait(); code != 0 {
						t.Fatalf("exit code %d", code)
					}
					if line := p.Recv(); line[:4] != "true" {
						t.Errorf("%s", line)
					}
				})
			}
		}
	}
}

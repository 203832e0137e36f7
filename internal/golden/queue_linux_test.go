package golden

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/pipe"
	"github.com/shmkit/shmkit/queue"
	"golang.org/x/sys/unix"
)

// order is what a queue of values carries; it has no plain form.
type order struct {
	ID   int64
	Note string
}

// huge is a message that lies in the tail. Golden files end with the payload, so the tests write it where docs/layout.md says.
var huge = strings.Repeat("golden ", 1000)

func init() {
	joinable := queue.JoinableConfig[order]{Cap: 5, Inline: 40, MaxAttempts: 3, Dead: "g.dead"}
	tasks := queue.JoinableConfig[rec]{Cap: 5, MaxAttempts: 3, Dead: "g.dead"}
	maps.Copy(objects, map[string]object{
		"queue": {
			create: func(name string) (io.Closer, error) {
				q, err := queue.Config[rec]{Cap: 10}.Create(name)
				return filled(q, err, q.TryPut, recOf(1), recOf(2))
			},
			check: func(name string) error {
				q, err := queue.Open[rec](name)
				if err != nil {
					return err
				}
				return errors.Join(next(q.TryGet, recOf(1), recOf(2)), want("capacity", q.Cap(), 10), q.TryPut(recOf(3)), closing(q, nil))
			},
			other: func(name string) error { return opens(queue.Open[int32](name)) },
		},
		"simplequeue": {
			create: func(name string) (io.Closer, error) {
				q, err := queue.OpenOrCreateSimple[rec](name)
				return filled(q, err, func(r rec) error { return q.Put(ctx, r) }, recOf(1), recOf(2))
			},
			check: func(name string) error {
				q, err := queue.OpenSimple[rec](name)
				if err != nil {
					return err
				}
				get := func() (rec, error) { return q.Get(ctx) }
				return errors.Join(next(get, recOf(1), recOf(2)), want("empty", q.Empty(), true), closing(q, nil))
			},
			other: func(name string) error { return opens(queue.OpenSimple[int32](name)) },
		},
		"queue.cbor": {
			create: func(name string) (io.Closer, error) {
				q, err := queue.Config[order]{Cap: 5, Inline: 40}.Create(name)
				return filled(q, err, q.TryPut, order{1, "a"}, order{2, "b"})
			},
			check: func(name string) error {
				q, err := queue.Open[order](name)
				if err != nil {
					return err
				}
				return errors.Join(next(q.TryGet, order{1, "a"}, order{2, "b"}), want("capacity", q.Cap(), 5), q.TryPut(order{3, huge}),
					next(q.TryGet, order{3, huge}), closing(q, nil))
			},
			other: func(name string) error { return opens(queue.Open[string](name)) },
		},
		"queue.raw": {
			create: func(name string) (io.Closer, error) {
				q, err := queue.Config[string]{Cap: 5, Inline: 40}.Create(name)
				return filled(q, err, q.TryPut, "golden", huge, "")
			},
			check: func(name string) error {
				q, err := queue.Open[string](name)
				if err != nil {
					return err
				}
				return errors.Join(layTail(name, huge), next(q.TryGet, "golden", huge, ""), q.TryPut(huge), closing(q, nil))
			},
			other: func(name string) error { return opens(queue.Open[order](name)) },
		},
		"joinable": {
			create: func(name string) (io.Closer, error) {
				q, err := joinable.Create(name)
				if err != nil {
					return nil, err
				}
				err = cmp.Or(q.TryPut(order{1, "a"}), q.TryPut(order{2, "b"}))
				t, err2 := q.TryGet()
				t.Fail() // so one is Returned, and its bit is set
				return q, cmp.Or(err, err2, os.Remove(path("g.dead")))
			},
			check: func(name string) error {
				q, err := joinable.Open(name)
				if err != nil {
					return err
				}
				t, err := q.TryGet()
				u, err2 := q.TryGet()
				return errors.Join(err, err2, want("first", t.Value, order{1, "a"}), want("attempt", t.Attempt, 2), want("second", u.Value, order{2, "b"}),
					want("attempt", u.Attempt, 1), t.Done(), want("unfinished", q.Unfinished(), 1), u.Done(), q.Join(ctx), closing(q, nil))
			},
			other: func(name string) error {
				c := queue.JoinableConfig[string]{}
				return opens(c.Open(name))
			},
		},
		"joinable.plain": {
			create: func(name string) (io.Closer, error) {
				q, err := tasks.Create(name)
				_ = os.Remove(path("g.dead"))
				return filled(q, err, q.TryPut, recOf(1), recOf(2))
			},
			check: func(name string) error {
				q, err := tasks.Open(name)
				if err != nil {
					return err
				}
				t, err := q.TryGet()
				u, err2 := q.TryGet()
				return errors.Join(err, err2, want("first", t.Value, recOf(1)), want("second", u.Value, recOf(2)), t.Done(), u.Done(), q.Join(ctx), closing(q, nil))
			},
			other: func(name string) error { return opens(queue.OpenJoinable[int32](name)) },
		},
		"pipe":        {create: pipeOf(pipe.Config{Cap: 5000}.New), check: func(name string) error { return piped(name, true) }},
		"pipe.oneway": {create: pipeOf(swapped(pipe.Config{Cap: 5000}.NewOneWay)), check: func(name string) error { return piped(name, false) }},
		"listener": {
			create: func(name string) (io.Closer, error) {
				l, err := pipe.Config{}.Listen("l." + name) // Close removes that name
				if err != nil {
					return nil, err
				}
				b, err := os.ReadFile(path("l." + name))
				return l, cmp.Or(err, os.WriteFile(path(name), b, 0o600))
			},
			check: func(name string) error {
				l, err := pipe.Config{}.Listen(name) // whose listener is dead
				if err != nil {
					return err
				}
				done := make(chan error, 1)
				go func() {
					c, err := pipe.Dial(ctx, name)
					if err == nil {
						err = cmp.Or(c.SendBytes(ctx, long), c.Close())
					}
					done <- err
				}()
				c, err := l.AcceptContext(ctx)
				if err != nil {
					return errors.Join(err, l.Close())
				}
				m, err := c.RecvBytes(ctx, nil)
				return errors.Join(err, want("message", string(m), string(long)), <-done, c.Close(), closing(l, nil))
			},
		},
	})
}

func filled[Q io.Closer, T any](q Q, err error, put func(T) error, xs ...T) (io.Closer, error) {
	for _, x := range xs {
		if err == nil {
			err = put(x)
		}
	}
	return q, err
}

func next[T comparable](get func() (T, error), xs ...T) (err error) {
	for _, x := range xs {
		y, e := get()
		err = errors.Join(err, e, want("item", y, x))
	}
	return err
}

// path is where an object of that name lies.
func path(name string) string { return filepath.Join(os.Getenv("SHMKIT_DIR"), name) }

// layTail writes the message of the one cell whose message does not fit into it.
func layTail(name, message string) error {
	f, err := os.OpenFile(path(name), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	b := make([]byte, 1<<16)
	n, err := f.ReadAt(b, 0)
	if err != nil && err != io.EOF {
		return err
	}
	h, _, err := abi.Decode(b[:n])
	if err != nil {
		return err
	}
	m, _ := abi.NewCellMap(h.Kind, h.Shape)
	for c := range m.N {
		at := h.Offset + m.CellsAt + c*m.Stride
		if binary.NativeEndian.Uint64(b[at:])&7 == 2 && binary.NativeEndian.Uint64(b[at+16:]) == uint64(len(message)) {
			_, err := f.WriteAt([]byte(message), int64(1<<41+c<<36))
			return err
		}
	}
	return errors.New("no cell has a message of the tail")
}

func swapped(f func() (a, b *pipe.Conn, err error)) func() (a, b *pipe.Conn, err error) {
	return func() (*pipe.Conn, *pipe.Conn, error) {
		a, b, err := f()
		return b, a, err
	}
}

// pipeOf makes a pipe, sends in it, and leaves its bytes under the name: a pipe has none of its own.
func pipeOf(f func() (from, to *pipe.Conn, err error)) func(name string) (io.Closer, error) {
	return func(name string) (io.Closer, error) {
		from, to, err := f()
		if err != nil {
			return nil, err
		}
		defer to.Close()
		err = cmp.Or(from.SendBytes(ctx, long), from.Send(ctx, "value"))
		text, err2 := from.MarshalText()
		proc, _, _ := strings.Cut(string(text), "#")
		b, err3 := os.ReadFile(proc)
		return from, cmp.Or(err, err2, err3, os.WriteFile(path(name), b, 0o600))
	}
}

// piped receives what is in a pipe, whose sender is dead, by the other end.
func piped(name string, twoWay bool) error {
	b, err := os.ReadFile(path(name))
	if err != nil {
		return err
	}
	fd, err := unix.MemfdCreate("golden", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return err
	}
	f := os.NewFile(uintptr(fd), "golden")
	defer f.Close()
	_, err = f.Write(b)
	_, err2 := unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_SEAL)
	if err := cmp.Or(err, err2); err != nil {
		return err
	}
	c, end := new(pipe.Conn), 0
	if twoWay {
		end = 1
	}
	if err := c.UnmarshalText(fmt.Appendf(nil, "/proc/%d/fd/%d#%x/%d", os.Getpid(), f.Fd(), b[32:48], end)); err != nil {
		return err
	}
	if *missing { // its sender may be this very process: nobody waits for the end
		return c.Close()
	}
	m, err := c.RecvBytes(ctx, nil)
	var v string
	err2 = c.Recv(ctx, &v)
	_, err3 := c.RecvBytes(ctx, nil)
	err = errors.Join(err, err2, want("message", string(m), string(long)), want("value", v, "value"), want("end", err3, io.EOF))
	if e := c.SendBytes(ctx, m); twoWay != errors.Is(e, io.ErrClosedPipe) {
		err = errors.Join(err, fmt.Errorf("send: %v", e)) // one-way: ErrDirection
	}
	return errors.Join(err, closing(c, nil))
}

// image is what a file has, but for its tail.
func image(t *testing.T, path string) []byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, 1<<24)
	n, err := f.ReadAt(b, 0)
	if err != nil && err != io.EOF {
		t.Fatal(err)
	}
	if h, _, err := abi.Decode(b[:n]); err == nil {
		n = min(n, int(h.Offset+h.Size+abi.PageSize-1)/abi.PageSize*abi.PageSize)
	}
	return slices.Clip(b[:n])
}

// otherKind is one that whole is not.
func otherKind(whole []byte) uint32 {
	if k := uint32(abi.KindPipe); binary.NativeEndian.Uint32(whole[24:]) != k {
		return k
	}
	return uint32(abi.KindListener)
}

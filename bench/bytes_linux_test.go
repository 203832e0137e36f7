package bench

import (
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/ringbuf"
)

func decimal(n uint64) string { return strconv.FormatUint(n, 10) }

// sink reads what arrives and says how many bytes it was.
var _ = proctest.Register("sink", func([]string) int {
	n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{os.NewFile(3, "in")}, make([]byte, 64<<10))
	proctest.Say(decimal(uint64(n)))
	return fail(err)
})

var _ = proctest.Register("messages.drain", func(args []string) int {
	var r ringbuf.SPSC[[]byte]
	if err := r.UnmarshalText([]byte(args[0])); err != nil {
		return fail(err)
	}
	c, err := r.Consumer()
	if err != nil {
		return fail(err)
	}
	proctest.Say("ready")
	var n uint64
	for {
		b, err := c.Get(ctx)
		if err == io.EOF {
			proctest.Say(decimal(n))
			return 0
		}
		if err != nil {
			return fail(err)
		}
		n += uint64(len(b))
	}
})

// toSink gives the near end of a pipe or unix socket whose far end another
// process reads, and the function that closes it and returns how many bytes
// have arrived.
func toSink(tb testing.TB, kind string) (io.Writer, func() string) {
	tb.Helper()
	near, far := channel(tb, kind)
	p := proctest.StartWith(tb, proctest.Attr{Files: []*os.File{far}}, "sink")
	far.Close()
	return near, func() string {
		must(tb, near.Close())
		n := p.Recv()
		p.Wait()
		return n
	}
}

func channel(tb testing.TB, kind string) (near io.WriteCloser, far *os.File) {
	if kind == "pipe" {
		r, w, err := os.Pipe()
		must(tb, err)
		return w, r
	}
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	must(tb, err)
	f := os.NewFile(uintptr(fds[0]), "near")
	defer f.Close()
	c, err := net.FileConn(f)
	must(tb, err)
	return c, os.NewFile(uintptr(fds[1]), "far")
}

// toRing gives the producer's end of a ring of messages that another process
// drains, and the function that ends the stream.
func toRing(tb testing.TB, capacity int) (*ringbuf.Producer[[]byte], func() string) {
	tb.Helper()
	r := newRing[[]byte](tb, capacity)
	proc := proctest.Start(tb, "messages.drain", text(tb, r))
	proc.Expect("ready")
	return producer(tb, r), func() string {
		must(tb, r.Shutdown())
		n := proc.Recv()
		proc.Wait()
		return n
	}
}

// BenchmarkBytes sends messages to another process.
func BenchmarkBytes(b *testing.B) {
	for _, size := range []int{64, 1 << 10, 64 << 10} {
		capacity := max(1<<20, 16*size)
		b.Run(fmt.Sprintf("%dB/shmkit/Put", size), func(b *testing.B) {
			p, end := toRing(b, capacity)
			msg := make([]byte, size)
			b.SetBytes(int64(size))
			for b.Loop() {
				must(b, p.Put(ctx, msg))
			}
			end()
		})
		b.Run(fmt.Sprintf("%dB/shmkit/InPlace", size), func(b *testing.B) {
			p, end := toRing(b, capacity)
			msg := make([]byte, size)
			b.SetBytes(int64(size))
			for b.Loop() {
				room, err := ringbuf.ReserveBytes(ctx, p, size)
				must(b, err)
				copy(room, msg)
				p.Commit(1)
			}
			end()
		})
		for _, kind := range []string{"pipe", "unix"} {
			b.Run(fmt.Sprintf("%dB/%s", size, kind), func(b *testing.B) {
				w, end := toSink(b, kind)
				msg := make([]byte, size)
				b.SetBytes(int64(size))
				for b.Loop() {
					_, err := w.Write(msg)
					must(b, err)
				}
				end()
			})
		}
	}
}

// Every rival gets every byte across.
func TestBytesArrive(t *testing.T) {
	msg := make([]byte, 1000)
	for _, kind := range []string{"pipe", "unix"} {
		w, end := toSink(t, kind)
		for range 100 {
			_, err := w.Write(msg)
			must(t, err)
		}
		if n := end(); n != "100000" {
			t.Errorf("of 100000 bytes through a %s, %s arrive", kind, n)
		}
	}
	p, end := toRing(t, 8192)
	for range 100 {
		must(t, p.Put(ctx, msg))
	}
	if n := end(); n != "100000" {
		t.Errorf("of 100000 bytes through a ring, %s arrive", n)
	}
}

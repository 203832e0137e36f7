package bench

import (
	"fmt"
	"io"
	"testing"

	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/ringbuf"
)

var _ = proctest.Register("mail.drain", func(args []string) int {
	var r ringbuf.MPMC[[]byte]
	if err := r.UnmarshalText([]byte(args[0])); err != nil {
		return fail(err)
	}
	proctest.Say("ready")
	var n uint64
	b := make([]byte, r.MaxMessage())
	for {
		var err error
		if args[1] == "copy" {
			b, err = ringbuf.GetBytes(ctx, &r, b)
			n += uint64(len(b))
		} else {
			var x ringbuf.BytesTaken
			x, err = ringbuf.TakeBytes(ctx, &r)
			n += uint64(len(x.B))
			x.Release()
		}
		if err == io.EOF {
			proctest.Say("end")
			return 0
		}
		if err != nil {
			return fail(err)
		}
	}
})

// toMail gives a ring of messages of many that another process drains, and the function that ends the stream.
func toMail(tb testing.TB, capacity, size int, how string) (*ringbuf.MPMC[[]byte], func()) {
	tb.Helper()
	r, err := ringbuf.MPMCConfig[[]byte]{Cap: capacity, MaxMessage: size}.New()
	must(tb, err)
	tb.Cleanup(func() { r.Close() })
	proc := proctest.Start(tb, "mail.drain", text(tb, r), how)
	proc.Expect("ready")
	return r, func() {
		must(tb, r.Shutdown())
		proc.Expect("end")
		proc.Wait()
	}
}

// BenchmarkMPMCBytes sends messages to another process: copied, and in place, where nobody touches more of a message than a line.
func BenchmarkMPMCBytes(b *testing.B) {
	for _, size := range []int{64, 1 << 10, 64 << 10, 1 << 20} {
		capacity := max(1<<20, 8*size)
		b.Run(fmt.Sprintf("%dB/shmkit/Put", size), func(b *testing.B) {
			r, end := toMail(b, capacity, size, "copy")
			msg := make([]byte, size)
			b.SetBytes(int64(size))
			for b.Loop() {
				must(b, r.Put(ctx, msg))
			}
			end()
		})
		b.Run(fmt.Sprintf("%dB/shmkit/InPlace", size), func(b *testing.B) {
			r, end := toMail(b, capacity, size, "in place")
			for b.Loop() {
				s, err := ringbuf.ReserveSlot(ctx, r, size)
				must(b, err)
				s.B[0] = 1
				s.Commit()
			}
			end()
		})
	}
}

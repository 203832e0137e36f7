package bench

import (
	"fmt"
	"io"
	"testing"

	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/ringbuf"
)

var _ = proctest.Register("cast.hear", func(args []string) int {
	var b ringbuf.Broadcast[uint64]
	if err := b.UnmarshalText([]byte(args[0])); err != nil {
		return fail(err)
	}
	s, err := b.Subscribe(ringbuf.Latest)
	if err != nil {
		return fail(err)
	}
	proctest.Say("ready")
	dst := make([]uint64, 64)
	for sum, heard := uint64(0), uint64(0); ; {
		n, err := s.GetBatch(ctx, dst)
		for _, v := range dst[:n] {
			sum += v
		}
		heard += uint64(n)
		if m, ok := err.(*ringbuf.MissedError); ok {
			heard += m.N
		} else if err == io.EOF {
			proctest.Say(decimal(heard))
			proctest.Say(decimal(sum))
			return 0
		} else if err != nil {
			return fail(err)
		}
	}
})

// toAll gives the publisher of a broadcast that n other processes hear, and the function that ends it and says how many items each has
// heard, or has been told that it missed, and the sum of the former.
func toAll(tb testing.TB, overrun bool, n int) (*ringbuf.Producer[uint64], func() (heard, sums []string)) {
	tb.Helper()
	b, err := ringbuf.BroadcastConfig[uint64]{Cap: 64 << 10, Overrun: overrun}.New()
	must(tb, err)
	tb.Cleanup(func() { b.Close() })
	p, err := b.Publisher()
	must(tb, err)
	var procs []*proctest.Proc
	for range n {
		proc := proctest.Start(tb, "cast.hear", text(tb, b))
		proc.Expect("ready")
		procs = append(procs, proc)
	}
	return p, func() (heard, sums []string) {
		must(tb, b.Shutdown())
		for _, proc := range procs {
			heard, sums = append(heard, proc.Recv()), append(sums, proc.Recv())
			proc.Wait()
		}
		return heard, sums
	}
}

// BenchmarkBroadcast publishes to one and to three other processes, that are waited for or overrun; and to itself, what
// the calls themselves cost.
func BenchmarkBroadcast(b *testing.B) {
	for _, overrun := range []bool{false, true} {
		b.Run(fmt.Sprintf("PutGet/overrun=%t", overrun), func(b *testing.B) {
			cast, err := ringbuf.BroadcastConfig[uint64]{Cap: 1024, Overrun: overrun}.New()
			must(b, err)
			defer cast.Close()
			p, err := cast.Publisher()
			must(b, err)
			s, err := cast.Subscribe(ringbuf.Latest)
			must(b, err)
			for b.Loop() {
				must(b, p.Put(ctx, 1))
				_, err := s.Get(ctx)
				must(b, err)
			}
		})
		for _, n := range []int{0, 1, 3} {
			b.Run(fmt.Sprintf("Put/overrun=%t/subscribers=%d", overrun, n), func(b *testing.B) {
				p, end := toAll(b, overrun, n)
				for b.Loop() {
					must(b, p.Put(ctx, 1))
				}
				end()
			})
		}
	}
}

// All hear all.
func TestBroadcast(t *testing.T) {
	for _, overrun := range []bool{false, true} {
		p, end := toAll(t, overrun, 3)
		const n = 10_000 // it fits
		for i := range uint64(n) {
			must(t, p.Put(ctx, i))
		}
		heard, sums := end()
		for i := range heard {
			if want := decimal(n * (n - 1) / 2); heard[i] != decimal(n) || sums[i] != want {
				t.Errorf("overrun %t: subscriber %d heard %s items of the sum %s, want %d of %s", overrun, i, heard[i], sums[i], n, want)
			}
		}
	}
}

package bench

import (
	"encoding/binary"
	"io"
	"testing"

	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/ringbuf"
)

const ringCap = 1024

func newRing[T any](tb testing.TB, capacity int) *ringbuf.SPSC[T] {
	r, err := ringbuf.NewSPSC[T](capacity)
	must(tb, err)
	tb.Cleanup(func() { r.Close() })
	return r
}

func producer[T any](tb testing.TB, r *ringbuf.SPSC[T]) *ringbuf.Producer[T] {
	p, err := r.Producer()
	must(tb, err)
	return p
}

func consumer[T any](tb testing.TB, r *ringbuf.SPSC[T]) *ringbuf.Consumer[T] {
	c, err := r.Consumer()
	must(tb, err)
	return c
}

// BenchmarkSPSC puts an item in and gets it out again, in one goroutine: what
// the calls themselves cost.
func BenchmarkSPSC(b *testing.B) {
	b.Run("shmkit/PutGet", func(b *testing.B) {
		r := newRing[uint64](b, ringCap)
		p, c := producer(b, r), consumer(b, r)
		for b.Loop() {
			must(b, p.Put(ctx, 1))
			_, err := c.Get(ctx)
			must(b, err)
		}
	})
	b.Run("shmkit/TryPutTryGet", func(b *testing.B) {
		r := newRing[uint64](b, ringCap)
		p, c := producer(b, r), consumer(b, r)
		for b.Loop() {
			must(b, p.TryPut(1))
			_, err := c.TryGet()
			must(b, err)
		}
	})
	b.Run("channel", func(b *testing.B) {
		c := make(chan uint64, ringCap)
		for b.Loop() {
			c <- 1
			<-c
		}
	})
}

// drain takes items until the stream ends and says how many there were.
var _ = proctest.Register("ring.drain", func(args []string) int {
	var r ringbuf.SPSC[uint64]
	if err := r.UnmarshalText([]byte(args[0])); err != nil {
		return fail(err)
	}
	c, err := r.Consumer()
	if err != nil {
		return fail(err)
	}
	proctest.Say("ready")
	var sum uint64
	for {
		run, err := c.Next(ctx, 64)
		if err == io.EOF {
			proctest.Say(decimal(sum))
			return 0
		}
		if err != nil {
			return fail(err)
		}
		for _, v := range run {
			sum += v
		}
		c.Release(len(run))
	}
})

// toOther gives the producer's end of a ring that another process drains, and
// the function that ends the stream and returns the sum of what has arrived.
func toOther(tb testing.TB) (*ringbuf.Producer[uint64], func() string) {
	r := newRing[uint64](tb, ringCap)
	proc := proctest.Start(tb, "ring.drain", text(tb, r))
	proc.Expect("ready")
	return producer(tb, r), func() string {
		must(tb, r.Shutdown())
		sum := proc.Recv()
		proc.Wait()
		return sum
	}
}

// putBatch puts the numbers from..from+n-1 in runs of up to 64.
func putBatch(tb testing.TB, p *ringbuf.Producer[uint64], from, n uint64) {
	for n > 0 {
		run, err := p.Reserve(ctx, int(min(n, 64)))
		must(tb, err)
		for k := range run {
			run[k] = from
			from++
		}
		n -= uint64(len(run))
		p.Commit(len(run))
	}
}

// putEach does the same and publishes each number by itself.
func putEach(tb testing.TB, p *ringbuf.Producer[uint64], from, n uint64) {
	for n > 0 {
		run, err := p.Reserve(ctx, int(min(n, 64)))
		must(tb, err)
		for k := range run {
			run[k] = from
			from++
			p.Commit(1)
		}
		n -= uint64(len(run))
	}
}

// BenchmarkSPSCProcesses sends items to another process; a step of the in-place
// ones is 64 items.
func BenchmarkSPSCProcesses(b *testing.B) {
	b.Run("Put", func(b *testing.B) {
		p, end := toOther(b)
		for b.Loop() {
			must(b, p.Put(ctx, 1))
		}
		end()
	})
	for name, put := range map[string]func(testing.TB, *ringbuf.Producer[uint64], uint64, uint64){
		"InPlace64": putEach, "Batch64": putBatch,
	} {
		b.Run(name, func(b *testing.B) {
			p, end := toOther(b)
			for b.Loop() {
				put(b, p, 0, 64)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/64, "ns/item")
			end()
		})
	}
	b.Run("pipe", func(b *testing.B) {
		w, end := toSink(b, "pipe")
		buf := make([]byte, 8)
		for b.Loop() {
			binary.NativeEndian.PutUint64(buf, 1)
			_, err := w.Write(buf)
			must(b, err)
		}
		end()
	})
}

// Every way of putting gets everything across.
func TestSPSCProcesses(t *testing.T) {
	p, end := toOther(t)
	for i := range uint64(1000) {
		must(t, p.Put(ctx, i))
	}
	putBatch(t, p, 1000, 1000)
	putEach(t, p, 2000, 1000)
	if got, want := end(), decimal(3000*2999/2); got != want {
		t.Errorf("the sum of 0 to 2999 arrives as %s, want %s", got, want)
	}
}

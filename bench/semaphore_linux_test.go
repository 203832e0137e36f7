package bench

import (
	"io"
	"os"
	"testing"

	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/sem"
	"github.com/shmkit/shmkit/shm"
)

// signals are a semaphore for each direction.
type signals struct {
	There sem.Semaphore
	_     [124]byte
	Back  sem.Semaphore
}

func newSignals(tb testing.TB) *shm.Var[signals] {
	v, err := shm.New[signals]()
	must(tb, err)
	tb.Cleanup(func() { v.Close() })
	return v
}

// BenchmarkSemaphore puts a token there and takes it back.
func BenchmarkSemaphore(b *testing.B) {
	b.Run("shmkit", func(b *testing.B) {
		s := &newSignals(b).Ptr().There
		for b.Loop() {
			must(b, s.Release(1))
			must(b, s.Acquire(ctx))
		}
	})
	b.Run("channel", func(b *testing.B) {
		c := make(chan struct{}, 1)
		for b.Loop() {
			c <- struct{}{}
			<-c
		}
	})
}

var _ = proctest.Register("semaphore.answer", func(args []string) int {
	var v shm.Var[signals]
	if err := v.UnmarshalText([]byte(args[0])); err != nil {
		return fail(err)
	}
	for s := v.Ptr(); ; {
		if err := s.There.Acquire(ctx); err != nil {
			return fail(err)
		}
		if err := s.Back.Release(1); err != nil {
			return fail(err)
		}
	}
})

var _ = proctest.Register("pipe.answer", func([]string) int {
	_, err := io.CopyBuffer(struct{ io.Writer }{os.NewFile(4, "out")}, struct{ io.Reader }{os.NewFile(3, "in")}, make([]byte, 1))
	return fail(err)
})

// BenchmarkSemaphoreRoundTrip is a signal to another process and one back.
func BenchmarkSemaphoreRoundTrip(b *testing.B) {
	b.Run("shmkit", func(b *testing.B) {
		v := newSignals(b)
		p := proctest.Start(b, "semaphore.answer", text(b, v))
		defer p.Kill()
		s := v.Ptr()
		trip(b, s)
		for b.Loop() {
			trip(b, s)
		}
	})
	b.Run("pipe", func(b *testing.B) {
		out, in, end := answeringPipe(b)
		defer end()
		buf := make([]byte, 1)
		for b.Loop() {
			pipeTrip(b, out, in, buf)
		}
	})
}

func trip(tb testing.TB, s *signals) {
	must(tb, s.There.Release(1))
	must(tb, s.Back.Acquire(ctx))
}

func pipeTrip(tb testing.TB, out io.Writer, in io.Reader, buf []byte) {
	_, err := out.Write(buf)
	must(tb, err)
	_, err = io.ReadFull(in, buf)
	must(tb, err)
}

// answeringPipe starts a process that sends back what it gets.
func answeringPipe(tb testing.TB) (out, in *os.File, end func()) {
	tb.Helper()
	r, out, err := os.Pipe()
	must(tb, err)
	in, w, err := os.Pipe()
	must(tb, err)
	p := proctest.StartWith(tb, proctest.Attr{Files: []*os.File{r, w}}, "pipe.answer")
	r.Close()
	w.Close()
	pipeTrip(tb, out, in, make([]byte, 1))
	return out, in, func() { out.Close(); in.Close(); p.Kill() }
}

func TestRoundTrips(t *testing.T) {
	v := newSignals(t)
	p := proctest.Start(t, "semaphore.answer", text(t, v))
	defer p.Kill()
	for range 100 {
		trip(t, v.Ptr())
	}
	if n := v.Ptr().Back.Value(); n != 0 {
		t.Errorf("%d answers to no question", n)
	}
	out, in, end := answeringPipe(t)
	defer end()
	for i := range 100 {
		buf := []byte{byte(i)}
		if pipeTrip(t, out, in, buf); buf[0] != byte(i) {
			t.Errorf("%d came back as %d", i, buf[0])
		}
	}
}

package bench

import (
	"testing"

	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/sem"
	"github.com/shmkit/shmkit/shm"
)

// BenchmarkBarrier is a party that waits for nobody but itself.
func BenchmarkBarrier(b *testing.B) {
	r := newVar(b, func(r *sem.Barrier) { r.Init(1) }).Ptr()
	for b.Loop() {
		_, err := r.Wait(ctx, nil)
		must(b, err)
	}
}

var _ = proctest.Register("barrier.attend", func(args []string) int {
	var v shm.Var[sem.Barrier]
	if err := v.UnmarshalText([]byte(args[0])); err != nil {
		return fail(err)
	}
	for {
		if _, err := v.Ptr().Wait(ctx, nil); err != nil {
			return fail(err)
		}
	}
})

// newBarrier gives a barrier to which another process comes as well.
func newBarrier(tb testing.TB) *sem.Barrier {
	v := newVar(tb, func(r *sem.Barrier) { r.Init(2) })
	p := proctest.Start(tb, "barrier.attend", text(tb, v))
	tb.Cleanup(p.Kill)
	_, err := v.Ptr().Wait(ctx, nil)
	must(tb, err)
	return v.Ptr()
}

// BenchmarkBarrierProcesses is a round of two processes.
func BenchmarkBarrierProcesses(b *testing.B) {
	for r := newBarrier(b); b.Loop(); {
		_, err := r.Wait(ctx, nil)
		must(b, err)
	}
}

// Each round gives each of the two a place of its own.
func TestBarrierProcesses(t *testing.T) {
	r := newBarrier(t)
	for range 100 {
		place, err := r.Wait(ctx, nil)
		must(t, err)
		if place != 0 && place != 1 {
			t.Fatalf("one of two is number %d", place)
		}
	}
}

package bench

import (
	"sync"
	"testing"

	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/sem"
	"github.com/shmkit/shmkit/shm"
)

// turn is whose turn it is, and how two processes tell each other.
type turn struct {
	Mu    sem.Mutex
	_     [124]byte
	There sem.Cond
	_     [120]byte
	Back  sem.Cond
	_     [120]byte
	Asked uint64
}

// BenchmarkCond signals, and nobody waits.
func BenchmarkCond(b *testing.B) {
	b.Run("shmkit", func(b *testing.B) {
		c := newVar[sem.Cond](b, nil).Ptr()
		for b.Loop() {
			c.Signal(1)
		}
	})
	b.Run("sync", func(b *testing.B) {
		c := sync.NewCond(new(sync.Mutex))
		for b.Loop() {
			c.Signal()
		}
	})
}

var _ = proctest.Register("cond.answer", func(args []string) int {
	var v shm.Var[turn]
	if err := v.UnmarshalText([]byte(args[0])); err != nil {
		return fail(err)
	}
	for t := v.Ptr(); ; {
		t.Mu.Lock()
		for t.Asked == 0 {
			if err := t.There.Wait(ctx, &t.Mu); err != nil {
				return fail(err)
			}
		}
		t.Asked = 0
		t.Back.Signal(1)
		t.Mu.Unlock()
	}
})

// newTurn gives a turn that another process takes as well.
func newTurn(tb testing.TB) *turn {
	v := newVar[turn](tb, nil)
	p := proctest.Start(tb, "cond.answer", text(tb, v))
	tb.Cleanup(p.Kill)
	v.Ptr().trip(tb)
	return v.Ptr()
}

func (t *turn) trip(tb testing.TB) {
	t.Mu.Lock()
	t.Asked = 1
	t.There.Signal(1)
	for t.Asked != 0 {
		must(tb, t.Back.Wait(ctx, &t.Mu))
	}
	t.Mu.Unlock()
}

// BenchmarkCondRoundTrip signals to another process, which signals back.
func BenchmarkCondRoundTrip(b *testing.B) {
	for t := newTurn(b); b.Loop(); {
		t.trip(b)
	}
}

func TestCondRoundTrips(t *testing.T) {
	for i, turn := 0, newTurn(t); i < 100; i++ {
		turn.trip(t)
	}
}

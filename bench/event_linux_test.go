package bench

import (
	"sync/atomic"
	"testing"

	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/sem"
	"github.com/shmkit/shmkit/shm"
)

// events are one for each direction.
type events struct {
	There sem.Event
	_     [124]byte
	Back  sem.Event
}

// BenchmarkEvent is what the calls cost when nobody waits.
func BenchmarkEvent(b *testing.B) {
	b.Run("shmkit/IsSet", func(b *testing.B) {
		e := newVar[sem.Event](b, nil).Ptr()
		for b.Loop() {
			e.IsSet()
		}
	})
	b.Run("shmkit/Wait", func(b *testing.B) {
		e := newVar(b, (*sem.Event).Set).Ptr()
		for b.Loop() {
			must(b, e.Wait(ctx))
		}
	})
	b.Run("shmkit/SetClear", func(b *testing.B) {
		e := newVar[sem.Event](b, nil).Ptr()
		for b.Loop() {
			e.Set()
			e.Clear()
		}
	})
	b.Run("atomic/Load", func(b *testing.B) {
		word := new(atomic.Uint32)
		for b.Loop() {
			word.Load()
		}
	})
}

var _ = proctest.Register("event.answer", func(args []string) int {
	var v shm.Var[events]
	if err := v.UnmarshalText([]byte(args[0])); err != nil {
		return fail(err)
	}
	for e := v.Ptr(); ; {
		if err := e.There.Wait(ctx); err != nil {
			return fail(err)
		}
		e.There.Clear()
		e.Back.Set()
	}
})

// newEvents gives events that another process answers.
func newEvents(tb testing.TB) *events {
	v := newVar[events](tb, nil)
	p := proctest.Start(tb, "event.answer", text(tb, v))
	tb.Cleanup(p.Kill)
	v.Ptr().trip(tb)
	return v.Ptr()
}

func (e *events) trip(tb testing.TB) {
	e.There.Set()
	must(tb, e.Back.Wait(ctx))
	e.Back.Clear()
}

// BenchmarkEventRoundTrip sets an event in another process, which sets one here.
// Beside it stands BenchmarkSemaphoreRoundTrip's pipe.
func BenchmarkEventRoundTrip(b *testing.B) {
	for e := newEvents(b); b.Loop(); {
		e.trip(b)
	}
}

func TestEventRoundTrips(t *testing.T) {
	e := newEvents(t)
	for range 100 {
		e.trip(t)
		if e.There.IsSet() || e.Back.IsSet() {
			t.Fatal("an event is left set")
		}
	}
}

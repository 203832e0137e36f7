package bench

import (
	"context"
	"encoding"
	"testing"

	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/shm"
)

func TestMain(m *testing.M) { proctest.Main(m) }

var ctx = context.Background()

// text is a handle as an argument for another process.
func text(tb testing.TB, h encoding.TextMarshaler) string {
	tb.Helper()
	b, err := h.MarshalText()
	if err != nil {
		tb.Fatal(err)
	}
	return string(b)
}

// newVar makes a T that init has prepared, for as long as the test lasts.
func newVar[T any](tb testing.TB, init func(*T)) *shm.Var[T] {
	v, err := shm.Config[T]{Init: init}.New()
	must(tb, err)
	tb.Cleanup(func() { v.Close() })
	return v
}

// must fails the benchmark unless err is nil. Only then does it call Helper,
// which takes longer than what is measured here.
func must(tb testing.TB, err error) {
	if err != nil {
		tb.Helper()
		tb.Fatal(err)
	}
}

// fail ends the far side of a benchmark; 0 is the exit code that a test wants.
func fail(err error) int {
	if err == nil {
		return 0
	}
	proctest.Say(err.Error())
	return 1
}

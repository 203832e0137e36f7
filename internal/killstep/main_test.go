package killstep

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/shmkit/shmkit/internal/proctest"
)

func TestMain(m *testing.M) { proctest.Main(m) }

// need skips where there is nothing to test.
func need(t *testing.T) {
	t.Helper()
	if why := unsupported(); why != "" {
		t.Skip(why)
	}
}

// tester stands for a test, to see it fail. Its cleanups run when it is over.
type tester struct {
	testing.TB
	failures []string
	skipped  string
	cleanups []func()
}

func (t *tester) Helper()          {}
func (t *tester) Log(a ...any)     {}
func (t *tester) Cleanup(f func()) { t.cleanups = append(t.cleanups, f) }
func (t *tester) Fatal(a ...any)   { t.Fatalf("%s", fmt.Sprint(a...)) }
func (t *tester) Skipf(f string, a ...any) {
	t.skipped = fmt.Sprintf(f, a...)
	runtime.Goexit()
}
func (t *tester) Errorf(f string, a ...any) {
	t.failures = append(t.failures, fmt.Sprintf(f, a...))
}
func (t *tester) Fatalf(f string, a ...any) {
	t.Errorf(f, a...)
	runtime.Goexit()
}

// fails runs a sweep as a test and returns how it failed.
func fails(t *testing.T, c Config) []string {
	t.Helper()
	return try(t, c).failures
}

func try(t testing.TB, c Config) *tester {
	fake := &tester{TB: t}
	done := make(chan bool)
	go func() { defer close(done); Run(fake, c) }()
	<-done
	for _, f := range fake.cleanups {
		f()
	}
	return fake
}

func fine(Point) error { return nil }

package process

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/internal/race"
)

func TestMain(m *testing.M) {
	if race.Enabled { // else each process sleeps for a second before it exits
		os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE"))
	}
	Main()
	proctest.Main(m)
}

var bg = context.Background()

// patience is longer than any loaded machine needs.
const patience = 30 * time.Second

// launched starts a child that is killed at the end of the test at the latest.
func launched[A any](t testing.TB, f *Func[A], arg A) *Process {
	t.Helper()
	return launchedAs(t, f.Command(bg, arg))
}

func launchedAs(t testing.TB, p *Process) *Process {
	t.Helper()
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Kill()
		joined(t, p)
	})
	return p
}

// joined returns what Join says, which it must within a while.
func joined(t testing.TB, p *Process) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(bg, patience)
	defer cancel()
	err := p.Join(ctx)
	if ctx.Err() != nil && err == ctx.Err() {
		t.Fatalf("%s did not end for %v", p.Name, patience)
	}
	return err
}

// wantExit checks how a child has ended.
func wantExit(t testing.TB, err error, code int, words ...string) *ExitError {
	t.Helper()
	e, ok := err.(*ExitError)
	if !ok || e.Code != code {
		t.Fatalf("got %v, want exit code %d", err, code)
	}
	for _, w := range words {
		if !strings.Contains(e.Error(), w) {
			t.Errorf("%q lacks %q", e, w)
		}
	}
	return e
}

// forever does not return; select {} would be a deadlock in a child without other goroutines.
func forever() error {
	time.Sleep(1 << 62)
	return nil
}

// until waits for a condition that must come.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

package lab

import (
	"fmt"
	"os"
	"testing"
	"time"
)

// TestMain lets the test binary be its own workers, as the command is.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "worker" {
		if err := Main(os.Args[2:], os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Setenv("GORACE", "atexit_sleep_ms=0") // else a worker of a race build takes a second to end
	os.Exit(m.Run())
}

// testLab is a lab for short samples.
func testLab(t *testing.T) *Lab {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	l, err := New([]string{exe, "worker"}, 2*time.Millisecond, 10*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

package main

import (
	"os"
	"testing"
)

// TestMain lets the test binary be its own workers: bench starts the program
// that it runs in.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == workerName {
		os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Setenv("GORACE", "atexit_sleep_ms=0") // else a worker of a race build takes a second to end
	os.Exit(m.Run())
}

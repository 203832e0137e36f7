package main

import (
	"os"
	"os/signal"
	"syscall"
	"testing"

	"github.com/shmkit/shmkit/process"
)

// commandEnv makes the test binary the command.
const commandEnv = "SHMKIT_TEST_COMMAND=1"

// TestMain lets the test binary be its own workers: bench starts the program
// that it runs in. And it lets tests start the command as a process of its own.
func TestMain(m *testing.M) {
	process.Main()
	if len(os.Args) > 1 && os.Args[1] == workerName {
		os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Setenv("GORACE", "atexit_sleep_ms=0") // else a worker of a race build takes a second to end
	if os.Getenv("SHMKIT_TEST_COMMAND") != "" {
		os.Unsetenv("SHMKIT_TEST_COMMAND")
		main()
	}
	// What is ignored here, as in a shell's background jobs, would be by all commands that tests start.
	for _, sig := range []os.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGHUP} {
		if signal.Ignored(sig) {
			signal.Notify(make(chan os.Signal, 1), sig)
		}
	}
	os.Exit(m.Run())
}

// Package shmtest is for the tests of programs that use this toolkit.
//
//	func TestMain(m *testing.M) { shmtest.Main(m) }
//
// It is also what lets tests start functions that were registered with package process.
//
// Fixed names, which are right in production, would otherwise meet in parallel test runs, and with
// production itself; and a forgotten Close or Unlink would show only on a machine that has run for long.
package shmtest

import (
	"os"
	"testing"

	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/process"
)

// inherited tells a process that it was started, at whatever remove, by one in which Main is running.
const inherited = "SHMKIT_TEST_RUN"

// Main runs the tests in a directory of names of their own and exits with their code, as TestMain must.
//
// The directory lies in /dev/shm, or in the directory that SHMKIT_DIR names; SHMKIT_DIR then names the
// new one, for this process and all that it starts. It is removed at the end, with what is in it.
// Directories that killed runs have left are removed by the next run.
//
// The run fails (exit code 1) if the tests leave something behind: names, descriptors (an unclosed
// handle is the descriptor of its segment), goroutines, child processes. What is just ending is
// given five seconds. Standard error says what it was.
//
// In a process that package process has started it is process.Main: the tests' own functions may be registered
// and started. In one that the tests have started by other means, which finds the directory in its environment, Main only runs the
// tests: what a child leaves behind is its parent's to find.
func Main(m *testing.M) {
	process.Main()
	if os.Getenv(inherited) != "" {
		os.Exit(m.Run())
	}
	os.Setenv(inherited, "1")
	proctest.Main(m)
}

package proctest

import (
	"errors"
	"fmt"
	"os"
	"testing"
)

// Main is called from TestMain and does not return. In a process made by Start it
// runs the registered function. Otherwise it runs the tests, with a directory of
// names of their own in the environment variable SHMKIT_DIR, and fails the run
// when it leaves descriptors, goroutines, processes or names behind.
//
// Threads are not counted: the Go runtime never ends one that went idle. A thread
// that sleeps in a wait of ours has a goroutine, and that is counted.
//
// With SHMKIT_TEST_DENY=1 in the environment futex_waitv and membarrier answer
// ENOSYS in the whole run, as on an old kernel; SHMKIT_TEST_DENY=memfd_create,425
// refuses the named ones instead.
func Main(m *testing.M) {
	if err := denyFromEnv(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	if name := os.Getenv(envHelper); name != "" {
		os.Unsetenv(envHelper) // a process that this one starts by itself is no helper
		listen()
		os.Exit(Call(name, os.Args[1:]))
	}
	os.Exit(run(m.Run))
}

// run surrounds the tests with the directory of names and the leak check.
func run(tests func() int) int {
	dir, err := newDir()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	os.Setenv(envDir, dir.path)
	before := takeStock()
	code := tests()
	err = errors.Join(before.leaks(settle), dir.remove())
	if err == nil {
		return code
	}
	// After a failed test the leaks are a consequence; they are told all the same.
	fmt.Fprintf(os.Stderr, "proctest: the run left something behind:\n%v\n", err)
	return max(code, 1)
}

// denyFromEnv refuses system calls to this process and executes it anew, so that
// package initialisation meets the refusal as well. The filter survives that, and
// every process started from here inherits it.
func denyFromEnv() error {
	list := os.Getenv(envDeny)
	if list == "" || os.Getenv(envDenied) == list {
		return nil
	}
	nrs, err := parseDenied(list)
	if err != nil {
		return err
	}
	if err := DenySyscalls(nrs...); err != nil {
		return err
	}
	os.Setenv(envDenied, list)
	return reexec()
}

// Package proctest gives tests a second process: it executes the test binary
// again, and the new process runs one registered function instead of the tests.
//
//	func TestMain(m *testing.M) { proctest.Main(m) }
//
//	var _ = proctest.Register("echo", func(args []string) int {
//		proctest.Say(proctest.Hear())
//		return 0
//	})
//
//	func TestEcho(t *testing.T) {
//		p := proctest.Start(t, "echo")
//		p.Send("hello")
//		p.Expect("hello")
//	}
//
// A process that was started here dies with the process that started it, at the
// latest with the test. The package answers on every system; what needs Linux
// (Stop, Cont, Zombie, DenySyscalls, the leak checks) says so.
package proctest

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
)

const (
	envHelper = "SHMKIT_TEST_HELPER" // the function that this process is to run
	envDeny   = "SHMKIT_TEST_DENY"   // system calls to refuse: 1, or names and numbers with commas
	envDenied = "SHMKIT_TEST_DENIED" // the same, once they are refused
	envDir    = "SHMKIT_DIR"         // where names live
)

var helpers = map[string]func(args []string) int{}

// Register makes f available to Start under a name; f's result is the exit code
// of the process. It is called from package initialisation, beside the test that
// starts f, and panics when the name is taken. The result is meaningless: it
// allows for `var _ = Register(…)`.
func Register(name string, f func(args []string) int) bool {
	if name == "" || f == nil {
		panic("proctest: register: empty name or nil function")
	}
	if helpers[name] != nil {
		panic("proctest: register " + name + ": registered twice")
	}
	helpers[name] = f
	return true
}

// Call runs a registered function in this process and returns its exit code.
// It serves functions that start others, such as those which prepare a process
// ahead of its task.
func Call(name string, args []string) int {
	f := helpers[name]
	if f == nil {
		fmt.Fprintf(os.Stderr, "proctest: call %s: not registered in this binary\n", name)
		return 127
	}
	return f(args)
}

// Say sends a line to the process that started this one.
func Say(line string) {
	if strings.Contains(line, "\n") {
		panic("proctest: say: a line may not contain a newline")
	}
	if _, err := io.WriteString(os.Stdout, line+"\n"); err != nil {
		os.Exit(orphaned)
	}
}

// Hear returns the next line from the process that started this one.
func Hear() string { return <-heard }

// Exit code of a process whose parent went away.
const orphaned = 86

var (
	heard  = make(chan string, 64)
	listen = sync.OnceFunc(func() { go hearAll(os.Stdin) })
)

// hearAll also is what ends an orphan: the write end of stdin is in the parent
// alone, so that it reads EOF when the parent is gone, however it went. (The
// death signal that Start asks for does not survive a change of credentials.)
func hearAll(r io.Reader) {
	for b := bufio.NewReader(r); ; {
		line, err := b.ReadString('\n')
		if err != nil {
			os.Exit(orphaned)
		}
		select {
		case heard <- strings.TrimSuffix(line, "\n"):
		default: // nobody listens; go on reading, else EOF would not be seen
			fmt.Fprintln(os.Stderr, "proctest: hear: more than 64 lines unread; one was dropped")
		}
	}
}

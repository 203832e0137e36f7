package process

import (
	"fmt"
	"strings"
	"syscall"
)

// ExitError says how a child has ended that did not end well. It does not unwrap to what the child's function
// returned: a child whose context was cancelled does not make its parent's call look cancelled.
type ExitError struct {
	Process string         // its name
	Code    int            // exit code; -1 if a signal ended it. 1: the function returned an error; 2: a panic
	Signal  syscall.Signal // the signal that ended it, or 0
	Msg     string         // the error's text, or "panic: …" or "fatal error: …"; the first 64 KiB
	Stack   []byte         // the stacks after a panic, the first 64 KiB
}

// Error is one line: who has ended how. The stack is left to the caller.
func (e *ExitError) Error() string {
	s := "process " + e.Process + ": "
	switch {
	case e.Signal != 0:
		s += "ended by signal: " + e.Signal.String()
	case e.Msg == "":
		s += fmt.Sprintf("exit code %d", e.Code)
	}
	if e.Msg == "" {
		return s
	}
	if e.Signal != 0 {
		s += ": "
	}
	return s + strings.ReplaceAll(e.Msg, "\n", "; ")
}

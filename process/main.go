package process

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"sync/atomic"
	"syscall"
)

// envMark tells a process that it was started here. Its value names the files that it has inherited, so that a process
// which has no more than the environment does not believe it.
const envMark = "SHMKIT_PROCESS"

// Their descriptors in the child.
const (
	fdCall = 3 + iota
	fdLife
	fdUp
)

var (
	passed atomic.Bool // Main was called
	marked bool        // this is a child
)

// Before anybody else can: what this process starts by other means is no child of ours, and must not have the
// files; and what package initialisation does, a child whose parent dies does not go on with.
func init() {
	m, ok := os.LookupEnv(envMark)
	if !ok {
		return
	}
	os.Unsetenv(envMark)
	if marked = inherit(m); !marked {
		return
	}
	call, life := os.NewFile(fdCall, "call"), os.NewFile(fdLife, "life")
	h, err := readHeader(call)
	if err == nil && !h.Detached {
		err = tie(life)
	}
	me.adopt(h, life)
	birth = func() ([]byte, error) {
		defer call.Close()
		if err != nil {
			return nil, err
		}
		return readPart(call)
	}
}

// birth gives the argument, or says what went wrong so far.
var birth func() ([]byte, error)

// Main belongs in the first line of main, behind what every process of the program needs. In a process that
// Start has made it runs the function and exits; else it returns. A second call does nothing.
func Main() {
	if passed.Swap(true) || !marked {
		return
	}
	os.Exit(run())
}

// run is a child's life. It returns only if the function was not called.
func run() (code int) {
	up := os.NewFile(fdUp, "up")
	_ = debug.SetCrashOutput(up, debug.CrashOptions{}) // else the parent gets no stack, and that is all
	f, err := prepare(me.header)
	if err != nil {
		_, _ = up.WriteString(string(rune(saysRefused)) + err.Error())
		return 1
	}
	ctx := newLifetime(up)
	logStart()
	if _, err := up.Write([]byte{saysReady}); err != nil {
		return 1
	}
	watched(ctx, f, func(r report, code int) {
		logExit(r, code)
		if code != 0 {
			_, _ = up.Write(r.encode())
		}
		os.Exit(code)
	})
	return 0
}

// prepare does all that can fail, so that the parent's Start can tell.
func prepare(h header) (f func(context.Context) error, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("decoding the argument panics: %v", r)
		}
	}()
	arg, err := birth()
	if err != nil {
		return nil, err
	}
	if h.Nice != 0 {
		if err := nice(h.Nice); err != nil {
			return nil, fmt.Errorf("nice %d: %w", h.Nice, err)
		}
	}
	b := registered(h.Func)
	if b == nil {
		return nil, fmt.Errorf("%q is not registered in the child: call Register when package variables are initialised, in every process", h.Func)
	}
	if f, err = b(arg); err != nil {
		return nil, fmt.Errorf("the child cannot decode its argument: %w", err)
	}
	return f, nil
}

// watched runs the function and exits by how it went. A panic of another goroutine, and what else ends a Go program,
// the runtime reports: to standard error and, by SetCrashOutput, to the parent.
func watched(ctx context.Context, f func(context.Context) error, exit func(report, int)) {
	returned := false
	defer func() {
		if returned {
			return
		}
		r := report{Msg: "the function was ended by runtime.Goexit", Stack: debug.Stack()}
		if what := recover(); what != nil {
			r.Msg = "panic: " + text(what)
		}
		ignorePipes()
		fmt.Fprintf(os.Stderr, "process %s: %s\n\n%s", me.current.Name, r.Msg, r.Stack)
		exit(r, 2) // from here: after Goexit nothing is returned to
	}()
	err := f(ctx)
	returned = true
	ignorePipes()
	if err != nil {
		exit(report{Msg: text(err)}, 1)
	}
	exit(report{}, 0)
}

// ignorePipes keeps a standard error that nobody reads any more from ending the process by SIGPIPE before its parent has been told.
// What is written from here on is this package's.
func ignorePipes() { signal.Ignore(syscall.SIGPIPE) }

// text calls the methods of what it is given, which may panic in their turn: fmt copes.
func text(v any) string { return fmt.Sprint(v) }

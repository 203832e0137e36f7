package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
)

var exits = Register("exits", func(_ context.Context, code int) error {
	os.Exit(code)
	return nil
})

func TestPythonSysExit(t *testing.T) {
	if err := joined(t, launched(t, exits, 0)); err != nil {
		t.Error(err)
	}
	wantExit(t, joined(t, launched(t, exits, 3)), 3, "exit code 3")
	wantExit(t, joined(t, launched(t, exits, 256+7)), 7)
}

var fails = Register("fails", func(_ context.Context, how string) error {
	switch how {
	case "error":
		return fmt.Errorf("the disk is full: %w", context.Canceled)
	case "panic":
		panicHere()
	case "goroutine":
		go panicHere()
	case "fatal":
		m := map[int]int{}
		for range 4 {
			go func() {
				for {
					m[1]++
				}
			}()
		}
	case "nil":
		var p *int
		*p = 1
	case "goexit":
		sem := make(chan int)
		go func() { close(sem) }()
		<-sem
		runtime.Goexit()
	case "long":
		return errors.New(strings.Repeat("x", 1<<20))
	case "errorpanics":
		return wrong{}
	}
	return forever()
})

type wrong struct{}

func (wrong) Error() string { panic("in Error") }

func panicHere() { panic("boom\nin two lines") }

func TestPythonException(t *testing.T) {
	for how, want := range map[string]struct {
		code  int
		msg   string
		stack string
	}{
		"error":       {1, "the disk is full: context canceled", ""},
		"panic":       {2, "panic: boom\nin two lines", "panicHere"},
		"goroutine":   {2, "panic: boom\nin two lines", "panicHere"},
		"fatal":       {2, "fatal error: ", "maps.fatal"},
		"nil":         {2, "panic: runtime error: invalid memory address", "exit_linux_test.go"},
		"goexit":      {2, "runtime.Goexit", "runtime.Goexit"},
		"long":        {1, "xxxxx", ""},
		"errorpanics": {1, "PANIC", ""},
	} {
		t.Run(how, func(t *testing.T) {
			var stderr bytes.Buffer
			p := fails.Command(bg, how)
			p.Stderr = &stderr
			launchedAs(t, p)
			e := wantExit(t, joined(t, p), want.code, p.Name)
			if !strings.Contains(e.Msg, want.msg) || !strings.Contains(string(e.Stack), want.stack) || (want.stack == "") != (e.Stack == nil) {
				t.Errorf("%.300s\n%.1000s", e.Msg, e.Stack)
			}
			if errors.Is(e, context.Canceled) {
				t.Error("the child's cancellation is taken for its parent's")
			}
			if strings.Contains(e.Error(), "\n") {
				t.Errorf("not one line: %q", e)
			}
			if len(e.Msg) > 64<<10 {
				t.Errorf("a message of %d bytes", len(e.Msg))
			}
			if want.stack != "" && !strings.Contains(stderr.String(), want.stack) {
				t.Errorf("stderr shows no stack: %q", &stderr)
			}
		})
	}
}

package process

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// speaks writes to both standard streams, which may be nowhere, and ends as it is told. What writing says goes by the way.
var speaks = Register("speaks", func(_ context.Context, how string) error {
	switch how {
	case "closed":
		os.Stdin.Close()
		os.Stdout.Close()
		os.Stderr.Close()
	case "nil", "nil, panic":
		os.Stdin, os.Stdout, os.Stderr = nil, nil, nil
	case "silent error":
		return errors.New("the disk is full")
	case "silent panic":
		panic("boom")
	}
	fmt.Println("out")
	fmt.Fprintln(os.Stderr, "err")
	if strings.HasSuffix(how, "panic") {
		panic("boom")
	}
	return nil
})

// Python's test_std_streams: a child does its work and ends well, whatever its own code has done to its standard streams.
func TestPythonStreamsGoneInTheChild(t *testing.T) {
	for _, how := range []string{"closed", "nil"} {
		if err := joined(t, launched(t, speaks, how)); err != nil {
			t.Errorf("%s: %v", how, err)
		}
	}
	e := wantExit(t, joined(t, launched(t, speaks, "nil, panic")), 2, "panic: boom")
	if !strings.Contains(string(e.Stack), "edges_linux_test.go") {
		t.Errorf("no stack: %q", e.Stack)
	}
}

// A parent without standard streams, as under pythonw, starts children all the same.
func TestPythonStreamsGoneInTheParent(t *testing.T) {
	out, errs := os.Stdout, os.Stderr
	defer func() { os.Stdout, os.Stderr = out, errs }()
	closed, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	for what, f := range map[string]*os.File{"nil": nil, "closed": closed} {
		os.Stdout, os.Stderr = f, f
		p := speaks.Command(bg, "")
		err := p.Start()
		os.Stdout, os.Stderr = out, errs
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if err := joined(t, p); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// Nobody reads what the child writes: that ends it as it does any program, but why it ended by itself is told.
func TestStreamsBroken(t *testing.T) {
	speaking := func(how string) error {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		r.Close()
		p := speaks.Command(bg, how)
		p.Stdout, p.Stderr = w, w
		return joined(t, launchedAs(t, p))
	}
	if e := wantExit(t, speaking(""), -1); e.Signal != syscall.SIGPIPE {
		t.Error(e)
	}
	wantExit(t, speaking("silent error"), 1, "the disk is full")
	if e := wantExit(t, speaking("silent panic"), 2, "panic: boom"); !strings.Contains(string(e.Stack), "edges_linux_test.go") {
		t.Errorf("no stack: %q", e.Stack)
	}
}

// The same where the child logs its end to there.
func TestStreamsBrokenWithALogger(t *testing.T) {
	t.Setenv(envLifecycle, "1")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	p := pauses.Command(bg, "")
	stdin, release, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer release.Close()
	p.Stdin, p.Stdout, p.Stderr = stdin, w, w
	launchedAs(t, p)
	stdin.Close()
	r.Close()
	release.Close()
	wantExit(t, joined(t, p), 1, "the disk is full")
}

// pauses fails when its standard input ends.
var pauses = Register("pauses", func(context.Context, string) error {
	var b [1]byte
	_, _ = os.Stdin.Read(b[:])
	return errors.New("the disk is full")
})

// exit(-1) is 255 to a parent; -1 is said of signals alone.
func TestPythonExitMinusOne(t *testing.T) {
	if e := wantExit(t, joined(t, launched(t, exits, -1)), 255, "exit code 255"); e.Signal != 0 {
		t.Errorf("signal %v", e.Signal)
	}
}

// logsHere logs a record, and tells where.
var logsHere = Register("logsHere", func(context.Context, struct{}) error {
	h, stop := CollectLogs(slog.NewTextHandler(os.Stderr, nil))
	defer stop()
	slog.New(h).Info("here")
	return nil
})

// The source position of a child's record is the child's.
func TestCollectLogsSource(t *testing.T) {
	var b syncBuffer
	_, stop := CollectLogs(slog.NewJSONHandler(&b, &slog.HandlerOptions{AddSource: true}))
	defer stop()
	p := launched(t, logsHere, struct{}{})
	if err := joined(t, p); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Msg, Process string
		Source       slog.Source
	}
	if err := json.Unmarshal([]byte(b.String()), &got); err != nil {
		t.Fatalf("%q: %v", b.String(), err)
	}
	text, err := os.ReadFile("edges_linux_test.go")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	n := got.Source.Line
	if got.Process != p.Name || !strings.HasSuffix(got.Source.File, "/edges_linux_test.go") || n < 1 || n > len(lines) || !strings.Contains(lines[n-1], `Info("here")`) {
		t.Errorf("%+v", got)
	}
}

// Join from many goroutines, before the end and behind it: one answer for all. One whose context ends leaves the others waiting.
func TestJoinFromManyGoroutines(t *testing.T) {
	for _, how := range []string{"killed", "returns"} {
		p := launched(t, wait, struct{}{})
		if how == "returns" {
			p = launched(t, exits, 3)
		}
		var all sync.WaitGroup
		got := make([]error, 40)
		for i := range got {
			all.Go(func() {
				ctx, cancel := context.WithTimeout(bg, patience)
				defer cancel()
				<-time.After(time.Duration(i) * 100 * time.Microsecond)
				got[i] = p.Join(ctx)
			})
		}
		if how == "killed" {
			over, cancel := context.WithCancel(bg)
			cancel()
			if err := p.Join(over); err != context.Canceled {
				t.Errorf("a context that has ended: %v", err)
			}
			if err := p.Kill(); err != nil {
				t.Error(err)
			}
		}
		all.Wait()
		for _, err := range got {
			if e, ok := err.(*ExitError); !ok || err != got[0] || (how == "killed") != (e.Signal == syscall.SIGKILL) || how == "returns" && e.Code != 3 {
				t.Fatalf("%s: %v, and another one %v", how, err, got[0])
			}
		}
	}
}

package lab

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

var (
	testCount = NewRole("test.count", func(w *Worker) error {
		for {
			w.Add(1)
			time.Sleep(100 * time.Microsecond)
		}
	})
	testIdle = NewRole("test.idle", func(w *Worker) error { time.Sleep(time.Hour); return nil })
	testFail = NewRole("test.fail", func(w *Worker) error { return errors.New("out of luck") })
	testDie  = NewRole("test.die", func(w *Worker) error { os.Exit(3); return nil })
	testEnd  = NewRole("test.end", func(w *Worker) error { w.Add(1); return nil })
	testTrip = NewRole("test.trip", func(w *Worker) error {
		return w.RoundTrips(func() error { time.Sleep(200 * time.Microsecond); return nil })
	})
	testSlowTrip = NewRole("test.slow-trip", func(w *Worker) error {
		return w.RoundTrips(func() error { time.Sleep(90 * time.Millisecond); return nil })
	})
	testSlowEnd = NewRole("test.slow-end", func(w *Worker) error {
		time.Sleep(time.Second)
		w.Report(Report{Text: "done"})
		return nil
	})
	testSlowFail = NewRole("test.slow-fail", func(w *Worker) error {
		time.Sleep(1500 * time.Millisecond)
		return errors.New("too late")
	})
	testWrite = NewRole("test.write", func(w *Worker) error {
		_, err := fmt.Fprintln(w.Files[0], strings.Repeat(w.Texts[0], w.Int(1)))
		return err
	})
	testRead = NewRole("test.read", func(w *Worker) error {
		s, err := bufio.NewReader(w.Files[0]).ReadString('\n')
		if err != nil {
			return err
		}
		if _, err := w.Files[0].Read(make([]byte, 1)); err != io.EOF {
			return fmt.Errorf("behind the last line: %w, want EOF", err)
		}
		w.Report(Report{Text: s, Values: Values{"throughput": 1}})
		return nil
	})
)

func TestRates(t *testing.T) {
	l := testLab(t)
	v, err := Procs{Label: "x", Roles: []Role{testCount, testIdle}}.Sample(t.Context(), l, Messages)
	if err != nil {
		t.Fatal(err)
	}
	if r := v["throughput"]; r < 100 || r > 10_100 {
		t.Errorf("one every 100 µs or slower is %v a second", r)
	}
	v, err = Procs{Label: "x", Roles: []Role{testCount, testCount}}.Sample(t.Context(), l, Operations)
	if err != nil {
		t.Fatal(err)
	}
	if f, ok := v["fairness"]; !ok || f < 0 || f > 1 { // 0: on a crowded machine one may stand still
		t.Errorf("fairness is %v", f)
	}
}

func TestRoundTrips(t *testing.T) {
	v, err := Procs{Label: "x", Roles: []Role{testTrip}}.Sample(t.Context(), testLab(t), RoundTrip)
	if err != nil {
		t.Fatal(err)
	}
	if v["p50"] < 200e3 || v["p50"] > v["p99"] || v["p99"] > v["p99.9"] || v["p99.9"] > v["max"]*1.01 || v["trips"] < 1 {
		t.Errorf("the distribution of sleeps of 200 µs is %v", v)
	}
}

// What a stage gives arrives, and a pipe ends with its writer: nobody else has
// kept it open.
func TestStage(t *testing.T) {
	cleaned := ""
	p := Procs{
		Label: "x",
		Roles: []Role{testRead, testWrite},
		Share: func(s *Stage) error {
			s.Text("ab", "3")
			r, w, err := os.Pipe()
			s.File(0, r)
			s.File(1, w)
			s.Cleanup(func() { cleaned += "first" })
			s.Cleanup(func() { cleaned += "last," })
			return err
		},
		Check: func(r Report) error {
			if r.Text != "ababab\n" {
				return fmt.Errorf("got %q", r.Text)
			}
			return nil
		},
	}
	if _, err := p.Sample(t.Context(), testLab(t), Job); err != nil {
		t.Error(err)
	}
	if cleaned != "last,first" {
		t.Errorf("cleaned up in the order %q", cleaned)
	}
	p.Check = func(Report) error { return errors.New("not what was sent") }
	if _, err := p.Sample(t.Context(), testLab(t), Job); err == nil || err.Error() != "not what was sent" {
		t.Errorf("a failed check: %v", err)
	}
}

// Who answers may fail because who asks is gone: that is no failure of the
// sample.
func TestFailureAfterTheEnd(t *testing.T) {
	p := Procs{
		Label: "x",
		Roles: []Role{testSlowEnd, testFail},
		Check: func(r Report) error {
			if r.Text != "done" {
				return fmt.Errorf("got %q", r.Text)
			}
			return nil
		},
	}
	if _, err := p.Sample(t.Context(), testLab(t), Job); err != nil {
		t.Error(err)
	}
	p.Roles = []Role{testSlowFail, testFail}
	if _, err := p.Sample(t.Context(), testLab(t), Job); err == nil || !strings.Contains(err.Error(), "out of luck") {
		t.Errorf("of two failures the first one counts, not %v", err)
	}
}

func TestOneTripAtLeast(t *testing.T) {
	l := testLab(t)
	l.Warm = 0
	v, err := Procs{Label: "x", Roles: []Role{testSlowTrip}}.Sample(t.Context(), l, RoundTrip)
	if err != nil || v["trips"] < 1 || v["p50"] < 90e6 {
		t.Errorf("trips that outlast the window: %v, %v", v, err)
	}
}

func TestFailures(t *testing.T) {
	l := testLab(t)
	l.Window = patience // a race build takes a second to end; nothing waits for the window here
	for what, c := range map[string]struct {
		roles []Role
		kind  Kind
		want  string
	}{
		"a role fails":          {[]Role{testIdle, testFail}, Messages, "out of luck"},
		"a worker dies":         {[]Role{testIdle, testDie}, Messages, "exit status 3"},
		"a worker ends":         {[]Role{testEnd}, Messages, "before its time"},
		"a role of a job fails": {[]Role{testIdle, testFail}, Job, "out of luck"},
		"no such role":          {[]Role{{name: "nonesuch"}}, Messages, "none of that name"},
	} {
		_, err := Procs{Label: "x", Roles: c.roles}.Sample(t.Context(), l, c.kind)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want it to say %q", what, err, c.want)
		}
	}
	share := func(*Stage) error { return errors.New("nothing to share") }
	if _, err := (Procs{Label: "x", Share: share}).Sample(t.Context(), l, Messages); err == nil {
		t.Error("a failed Share is no error")
	}
}

func TestCancel(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	begin := time.Now()
	_, err := Procs{Label: "x", Roles: []Role{testIdle}}.Sample(ctx, testLab(t), Messages)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a sample that was given up: %v", err)
	}
	if d := time.Since(begin); d > patience {
		t.Errorf("that took %v", d)
	}
}

func TestMainRefusesNonsense(t *testing.T) {
	for _, args := range [][]string{nil, {"a"}, {"nonesuch", "0", "0"}, {"test.idle", "x", "0"}, {"test.idle", "0", "x"}} {
		if err := Main(args, io.Discard); err == nil {
			t.Errorf("Main(%q) is no error", args)
		}
	}
}

func TestLineRoundTrip(t *testing.T) {
	l := testLab(t)
	if len(l.CPUs) < 2 {
		if x := l.LineRoundTrip(); x != 0 {
			t.Errorf("on one CPU a line takes %v ns to the other", x)
		}
		return
	}
	for range 3 {
		if x := l.LineRoundTrip(); x < 10 {
			t.Errorf("a line goes there and back in %v ns", x)
		}
	}
}

func TestFirstLines(t *testing.T) {
	if got := firstLines("a\nb\nc", 2); got != "a\nb\n…" {
		t.Errorf("%q", got)
	}
	if got := firstLines("a\nb", 2); got != "a\nb" {
		t.Errorf("%q", got)
	}
}

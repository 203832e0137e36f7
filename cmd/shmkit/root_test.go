package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// shmkit runs the command and returns its exit code and what it printed.
func shmkit(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, log bytes.Buffer
	code = run(args, &out, &log)
	if code == exitOK && log.Len() > 0 {
		t.Errorf("shmkit %q is content and yet says %s", args, log.String())
	}
	if code != exitOK && log.Len() == 0 {
		t.Errorf("shmkit %q ends with %d and does not say why", args, code)
	}
	return code, out.String(), log.String()
}

func TestHelp(t *testing.T) {
	for _, args := range [][]string{nil, {"--help"}, {"-help"}, {"-h"}, {"help"}} {
		code, out, _ := shmkit(t, args...)
		if code != exitOK {
			t.Errorf("shmkit %q ends with %d", args, code)
		}
		for _, want := range []string{"bench", "ls", "show", "rm", "lock", "sem", "send", "recv", "completion", "Exit codes", "  3  no such object or file"} {
			if !strings.Contains(out, want) {
				t.Errorf("shmkit %q does not mention %q", args, want)
			}
		}
		if strings.Contains(out, workerName) {
			t.Errorf("shmkit %q shows what is not for people", args)
		}
	}
	for _, c := range []string{"bench", "ls", "show", "rm", "lock", "sem", "send", "recv"} {
		if code, out, _ := shmkit(t, c, "-help"); code != exitOK || len(out) < 300 {
			t.Errorf("shmkit %s -help ends with %d and says %q", c, code, out)
		}
	}
}

func TestUsageErrors(t *testing.T) {
	for _, args := range []string{
		"nosuch", "--nosuch", "bench --nosuch", "bench -run (", "bench -n many", "bench -n -1", "bench -run ^nosuchcase$",
		"bench /", "ls name", "show", "rm", "show -json x", "bench -svg",
	} {
		if code, _, log := shmkit(t, strings.Fields(args)...); code != exitUsage {
			t.Errorf("shmkit %s ends with %d, want %d: %s", args, code, exitUsage, log)
		}
	}
}

func TestNotFound(t *testing.T) {
	t.Setenv("SHMKIT_DIR", t.TempDir())
	for _, args := range []string{"bench /nosuch/file", "show nosuch", "rm nosuch"} {
		code, _, log := shmkit(t, strings.Fields(args)...)
		if code != exitNotFound || !strings.Contains(log, "nosuch") {
			t.Errorf("shmkit %s ends with %d, want %d: %s", args, code, exitNotFound, log)
		}
	}
}

func TestExitCode(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, exitOK},
		{errors.New("x"), exitFailure},
		{usageError{fs.ErrNotExist}, exitUsage},
		{fmt.Errorf("x: %w", usageError{errors.New("y")}), exitUsage},
		{fmt.Errorf("x: %w", fs.ErrNotExist), exitNotFound},
		{errors.Join(errors.New("x"), fs.ErrNotExist), exitNotFound},
		{errors.ErrUnsupported, exitUnsupported},
	} {
		if got := exitCode(c.err); got != c.want {
			t.Errorf("exitCode(%v) = %d, want %d", c.err, got, c.want)
		}
	}
}

func TestTwoDashes(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"bench -run x -short -json", "bench --run x --short --json"},
		{"bench -run=x -svg=y", "bench --run=x --svg=y"},
		{"bench --run x -n 3 -h", "bench --run x -n 3 -h"},
		{"bench -nosuch -r -s", "bench -nosuch -r -s"},
		{"bench -peers -- -short", "bench --peers -- -short"},
		{"bench - -- x", "bench - -- x"},
		{"-help", "--help"},
	} {
		got := strings.Join(twoDashes(command(), strings.Fields(c.in)), " ")
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s: %s", c.in, d)
		}
	}
}

func TestCompletionScripts(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if code, out, _ := shmkit(t, "completion", shell); code != exitOK || !strings.Contains(out, "shmkit") {
			t.Errorf("completion %s ends with %d, %d bytes", shell, code, len(out))
		}
	}
}

func TestWorkerRefusesPeople(t *testing.T) {
	if code, _, log := shmkit(t, workerName); code != exitFailure || !strings.Contains(log, "starts its workers itself") {
		t.Errorf("it ends with %d: %s", code, log)
	}
}

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shmkit/shmkit/ringbuf"
	"github.com/shmkit/shmkit/shm"
)

// objects makes a ring and a Var in a directory of their own, and a file that
// is none of ours.
func objects(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	t.Setenv("SHMKIT_DIR", dir)
	r, err := ringbuf.OpenOrCreateSPSC[uint64]("app.ring", 16)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	v, err := shm.OpenOrCreate[uint64]("app.var")
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "stranger"), []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// fields is a text with one space between words.
func fields(s string) string { return strings.Join(strings.Fields(s), " ") }

func TestLs(t *testing.T) {
	t.Setenv("SHMKIT_DIR", t.TempDir())
	if code, out, _ := shmkit(t, "ls"); code != exitOK || out != "" {
		t.Errorf("of nothing, ls says %q and ends with %d", out, code)
	}
	objects(t)
	_, out, _ := shmkit(t, "ls")
	for _, want := range []string{"NAME KIND SIZE IN USE TYPE", "app.ring spsc", "yes <Q", "app.var var 8 no <Q"} {
		if !strings.Contains(fields(out), want) {
			t.Errorf("ls does not say %q:\n%s", want, out)
		}
	}
	if strings.Contains(out, "stranger") {
		t.Errorf("ls lists what is none of ours:\n%s", out)
	}
}

func TestLsShowsWhatIsBroken(t *testing.T) {
	dir := objects(t)
	if err := os.Truncate(filepath.Join(dir, "app.var"), 4096); err != nil {
		t.Fatal(err)
	}
	code, out, _ := shmkit(t, "ls")
	if code != exitOK || !strings.Contains(out, "truncated") || !strings.Contains(out, "app.ring") {
		t.Errorf("it ends with %d and says\n%s", code, out)
	}
}

func TestShow(t *testing.T) {
	objects(t)
	code, out, _ := shmkit(t, "show", "app.ring", "app.var")
	if code != exitOK {
		t.Errorf("show ends with %d", code)
	}
	for _, want := range []string{"name app.ring", "capacity 16 items", "in the ring 0", "name app.var", "in use no"} {
		if !strings.Contains(fields(out), want) {
			t.Errorf("show does not say %q:\n%s", want, out)
		}
	}
	code, out, log := shmkit(t, "show", "gone", "app.var")
	if code != exitNotFound || !strings.Contains(log, "gone") || !strings.Contains(out, "app.var") {
		t.Errorf("one of two is there: it ends with %d and says %q, %q", code, out, log)
	}
	if code, _, _ := shmkit(t, "show", "stranger"); code != exitFailure {
		t.Errorf("show of what is none of ours ends with %d", code)
	}
}

func TestRm(t *testing.T) {
	dir := objects(t)
	if code, _, log := shmkit(t, "rm", "app.ring", "gone", "app.var"); code != exitNotFound || !strings.Contains(log, "gone") {
		t.Errorf("one of three is not there: it ends with %d and says %q", code, log)
	}
	if code, _, _ := shmkit(t, "rm", "stranger"); code != exitFailure {
		t.Errorf("rm of what is none of ours ends with %d", code)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 || left[0].Name() != "stranger" {
		t.Errorf("left are %v, %v; want the stranger", left, err)
	}
}

func TestNamesAreCompleted(t *testing.T) {
	objects(t)
	for args, want := range map[string]string{
		"__complete show app":      "app.ring spsc app.var var :4",
		"__complete rm app.ring a": "app.var var :4",
	} {
		var out strings.Builder
		if code := run(strings.Fields(args), &out, new(strings.Builder)); code != exitOK || fields(out.String()) != want {
			t.Errorf("%s gives %q and ends with %d, want %q", args, fields(out.String()), code, want)
		}
	}
}

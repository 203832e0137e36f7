package main

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/shmkit/shmkit/sem"
	"github.com/shmkit/shmkit/shm"
)

// The third of three waits while two have the permits, and gets the one that is given back.
func TestSemPermits(t *testing.T) {
	t.Setenv("SHMKIT_DIR", t.TempDir())
	var inside []*proc
	for range 2 {
		p := start(t, "sem", "-n", "2", "jobs", "--", "sh", "-c", stays)
		p.wants("in")
		inside = append(inside, p)
	}
	does(t, flockConflict, "sem", "--nonblock", "jobs", "--", "true")
	does(t, 9, "sem", "-w", ".05", "-E", "9", "jobs", "--", "true")
	third := start(t, "sem", "jobs", "--", "echo", "third")
	inside[0].in.Close()
	inside[0].ends(0)
	third.wants("third")
	third.ends(0)
	v, err := shm.Open[sem.BoundedSemaphore]("jobs")
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	if n, all := v.Ptr().Value(), v.Ptr().Cap(); n > 1 || all != 2 {
		t.Errorf("with one inside %d of %d are free", n, all)
	}
	inside[1].in.Close()
	inside[1].ends(0)
	if n := v.Ptr().Value(); n != 2 {
		t.Errorf("with nobody inside %d of 2 are free", n)
	}
}

// A permit is the command's for as long as it lives; then it comes back, without a word.
func TestSemOutlivesItsWrapper(t *testing.T) {
	t.Setenv("SHMKIT_DIR", t.TempDir())
	first := start(t, "sem", "jobs", "--", "sh", "-c", stays)
	first.wants("in")
	first.signal(syscall.SIGKILL)
	does(t, flockConflict, "sem", "--nonblock", "jobs", "--", "true")
	second := start(t, "sem", "jobs", "--", "sh", "-c", "echo x$SHMKIT_ABANDONED")
	first.in.Close()
	second.wants("x")
	second.ends(0)
	if log := second.log.String(); log != "" {
		t.Errorf("it says %q", log)
	}
}

func TestSemStatus(t *testing.T) {
	t.Setenv("SHMKIT_DIR", t.TempDir())
	for _, c := range []struct {
		args   []string
		status int
		said   string
	}{
		{[]string{"-n", "0", "jobs", "--", "true"}, flockUsage, "1 … 65536"},
		{[]string{"-n", "65537", "jobs", "--", "true"}, flockUsage, "1 … 65536"},
		{[]string{"-n", "64", "jobs", "--", "sh", "-c", "exit 3"}, 3, ""},
		{[]string{"-n", "4", "jobs", "--", "true"}, flockData, "it has 64 permits, not 4"},
		{[]string{"-n", "1000", "jobs", "--", "true"}, flockData, "kind"},
		{[]string{"jobs", "--", "true"}, 0, ""},
		{[]string{"-n", "1000", "many", "--", "sh", "-c", "exit 3"}, 3, ""},
		{[]string{"many", "--", "true"}, 0, ""},
		{[]string{"-n", "4", "many", "--", "true"}, flockData, "it has 1000 permits, not 4"},
		{[]string{"-n", "2000", "many", "--", "true"}, flockData, "permits"},
		{[]string{"--nonblock", "jobs", "--", "/nosuch"}, flockUnavailable, "/nosuch"},
		{[]string{"jobs"}, flockUsage, "then --"},
	} {
		if _, log := does(t, c.status, append([]string{"sem"}, c.args...)...); !strings.Contains(log, c.said) || (log == "") != (c.said == "") {
			t.Errorf("sem %q says %q, want %q", c.args, log, c.said)
		}
	}
	if _, log := does(t, flockData, "lock", "jobs", "--", "true"); !strings.Contains(log, "jobs") {
		t.Errorf("lock of a semaphore says %q", log)
	}
}

func TestSemCompletion(t *testing.T) {
	objects(t)
	v, err := shm.Config[sem.BoundedSemaphore]{Init: func(b *sem.BoundedSemaphore) { b.Init(2) }}.OpenOrCreate("app.jobs")
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	many, err := sem.OpenOrCreateBounded("app.many", 100)
	if err != nil {
		t.Fatal(err)
	}
	defer many.Close()
	var out strings.Builder
	if code := run(strings.Fields("__complete sem app"), &out, new(strings.Builder)); code != exitOK || fields(out.String()) != "app.jobs var app.many bounded semaphore :4" {
		t.Errorf("it gives %q and ends with %d", fields(out.String()), code)
	}
}

// One of many permits is the command's for as long as it lives; then it comes back.
func TestSemMany(t *testing.T) {
	t.Setenv("SHMKIT_DIR", t.TempDir())
	first := start(t, "sem", "-n", "100", "many", "--", "sh", "-c", stays)
	first.wants("in")
	b, err := sem.OpenBounded("many")
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if n := b.Value(); n != 99 {
		t.Errorf("with one inside %d of 100 are free", n)
	}
	for b.TryAcquire() {
	}
	first.signal(syscall.SIGKILL)
	does(t, flockConflict, "sem", "--nonblock", "many", "--", "true")
	_, out, _ := shmkit(t, "show", "many")
	for _, want := range []string{"kind bounded semaphore", "permits 0 of 100 free", "taken 1 permit: ", "taken 99 permits: ", fmt.Sprintf("pid %d (", os.Getpid())} {
		if !strings.Contains(fields(out), want) {
			t.Errorf("show does not say %q:\n%s", want, out)
		}
	}
	second := start(t, "sem", "many", "--", "echo", "second")
	first.in.Close()
	second.wants("second")
	second.ends(0)
	for b.Release() == nil {
	}
	if n := b.Value(); n != 100 {
		t.Errorf("with nobody inside %d of 100 are free", n)
	}
}

// show names the commands that run, and what they have.
func TestShowLocks(t *testing.T) {
	t.Setenv("SHMKIT_DIR", t.TempDir())
	first := start(t, "lock", "a", "--", "sh", "-c", stays)
	first.wants("in")
	_, out, _ := shmkit(t, "show", "a")
	wrapper := fmt.Sprintf("pid %d (", first.cmd.Process.Pid)
	for _, want := range []string{"in use by 1 processes", "T mutex at 0: held by ", ", alive, ", wrapper, " (sh -c " + stays + ")", "nobody waits"} {
		if !strings.Contains(fields(out), want) {
			t.Errorf("show does not say %q:\n%s", want, out)
		}
	}
	first.signal(syscall.SIGKILL)
	if _, out, _ := shmkit(t, "show", "a"); strings.Contains(out, wrapper) || !strings.Contains(out, " (sh -c "+stays+")") {
		t.Errorf("of what the wrapper has left show says\n%s", out)
	}
	permit := start(t, "sem", "-n", "3", "b", "--", "sh", "-c", stays)
	permit.wants("in")
	_, out, _ = shmkit(t, "show", "b")
	for _, want := range []string{"T bounded semaphore at 0: 2 of 3 permits free, nobody waits 1 permit: ", fmt.Sprintf("pid %d (", permit.cmd.Process.Pid)} {
		if !strings.Contains(fields(out), want) {
			t.Errorf("show does not say %q:\n%s", want, out)
		}
	}
}

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/shmkit/shmkit/sem"
	"github.com/shmkit/shmkit/shm"
)

func TestLockStatus(t *testing.T) {
	t.Setenv("SHMKIT_DIR", t.TempDir())
	v, err := shm.OpenOrCreate[uint64]("number")
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	for _, c := range []struct {
		args   []string
		status int
		said   string
	}{
		{[]string{"a", "--", "true"}, 0, ""},
		{[]string{"a", "--", "sh", "-c", "exit 7"}, 7, ""},
		{[]string{"a", "--", "sh", "-c", "kill -KILL $$"}, 128 + 9, ""},
		{[]string{"--nonblock", "a", "-w", "2", "--", "true"}, flockUsage, "one of them"},
		{[]string{"-w", "1h", "a", "--", "true"}, 0, ""},
		{[]string{"-w", "soon", "a", "--", "true"}, flockUsage, "want seconds"},
		{[]string{"-w", "-1", "a", "--", "true"}, flockUsage, "want seconds"},
		{[]string{"-w", "NaN", "a", "--", "true"}, flockUsage, "want seconds"},
		{[]string{"-E", "256", "a", "--", "true"}, flockUsage, "0 … 255"},
		{[]string{"--nosuch", "a", "--", "true"}, flockUsage, "nosuch"},
		{[]string{"a", "true"}, flockUsage, "then --"},
		{[]string{"a", "--"}, flockUsage, "then --"},
		{[]string{"a", "b", "--", "true"}, flockUsage, "one NAME"},
		{[]string{"a/b", "--", "true"}, flockUsage, "slash"},
		{[]string{"a", "--", "/nosuch/command"}, flockUnavailable, "/nosuch/command"},
		{[]string{"number", "--", "true"}, flockData, "number"},
	} {
		if _, log := does(t, c.status, append([]string{"lock"}, c.args...)...); !strings.Contains(log, c.said) || (log == "") != (c.said == "") {
			t.Errorf("lock %q says %q, want %q", c.args, log, c.said)
		}
	}
	t.Setenv("SHMKIT_DIR", "/nosuch/dir")
	does(t, flockNoInput, "lock", "a", "--", "true")
}

// The flags of CMD are its own.
func TestLockLeavesTheCommandAlone(t *testing.T) {
	t.Setenv("SHMKIT_DIR", t.TempDir())
	if out, _ := does(t, 0, "lock", "a", "--", "echo", "-run", "-n", "--", "-timeout"); out != "-run -n -- -timeout" {
		t.Errorf("the command's arguments are %q", out)
	}
}

// A number in a file is counted up without any lock but this one.
func TestLockExcludes(t *testing.T) {
	t.Setenv("SHMKIT_DIR", t.TempDir())
	file := filepath.Join(t.TempDir(), "n")
	if err := os.WriteFile(file, []byte("0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const contenders, rounds = 6, 5
	var all []*proc
	for range contenders {
		for range rounds {
			all = append(all, start(t, "lock", "count", "--", "sh", "-c", `read n <"$0"; echo $((n + 1)) >"$0"`, file))
		}
	}
	for _, p := range all {
		p.ends(0)
	}
	if n, err := os.ReadFile(file); err != nil || string(n) != fmt.Sprintln(contenders*rounds) {
		t.Errorf("%d times one make %s, %v", contenders*rounds, n, err)
	}
}

func TestLockConflict(t *testing.T) {
	t.Setenv("SHMKIT_DIR", t.TempDir())
	first := start(t, "lock", "a", "--", "sh", "-c", stays)
	first.wants("in")
	for _, args := range [][]string{{"--nonblock"}, {"-w", "0"}, {"-w", ".01"}, {"--timeout=1ms"}} {
		args = append(append([]string{"lock"}, args...), "a", "--", "true")
		if out, log := does(t, flockConflict, args...); out+log != "" {
			t.Errorf("%q says %q, %q", args, out, log)
		}
	}
	does(t, 42, "lock", "-n", "-E", "42", "a", "--", "true")
	does(t, 0, "lock", "-n", "another", "--", "true")
	second := start(t, "lock", "a", "--", "echo", "second")
	first.in.Close()
	first.ends(0)
	second.wants("second")
	second.ends(0)
}

// A Go program has the same lock.
func TestLockIsAMutex(t *testing.T) {
	t.Setenv("SHMKIT_DIR", t.TempDir())
	v, err := shm.OpenOrCreate[sem.Mutex]("a")
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	v.Ptr().Lock()
	does(t, flockConflict, "lock", "-n", "a", "--", "true")
	p := start(t, "lock", "a", "--", "sh", "-c", stays)
	v.Ptr().Unlock()
	p.wants("in")
	if v.Ptr().TryLock() {
		t.Error("two hold it")
	}
	p.in.Close()
	v.Ptr().Lock()
	if v.Ptr().Abandoned() {
		t.Error("it was given back and is abandoned")
	}
	v.Ptr().Unlock()
}

// Nor does it matter which descriptors a script uses.
func TestLockOutlivesItsWrapper(t *testing.T) {
	t.Setenv("SHMKIT_DIR", t.TempDir())
	const closes = "exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-; "
	first := start(t, "lock", "a", "--", "sh", "-c", closes+stays)
	first.wants("in")
	first.signal(syscall.SIGKILL)
	does(t, flockConflict, "lock", "-n", "a", "--", "true")
	does(t, flockConflict, "lock", "-w", ".2", "a", "--", "true")
	second := start(t, "lock", "a", "--", "sh", "-c", "echo $SHMKIT_ABANDONED")
	first.in.Close() // and so its command ends
	second.wants("1")
	second.ends(0)
	if log := second.log.String(); !strings.Contains(log, "lock a") || !strings.Contains(log, "killed") {
		t.Errorf("of the dead holder it says %q", log)
	}
	if out, log := does(t, 0, "lock", "a", "--", "sh", "-c", "echo x$SHMKIT_ABANDONED"); out != "x" || log != "" {
		t.Errorf("the next one still says %q, %q", out, log)
	}
}

// What the command has started keeps the lock too, once nobody is there to give it back.
func TestLockOutlivesItsCommand(t *testing.T) {
	t.Setenv("SHMKIT_DIR", t.TempDir())
	first := start(t, "lock", "a", "--", "sh", "-c", `exec 3<&0; (echo in; cat <&3 >/dev/null) & read x; echo over`)
	first.wants("in")
	first.signal(syscall.SIGKILL)
	does(t, flockConflict, "lock", "-n", "a", "--", "true")
	first.in.Close()
	if _, log := does(t, 0, "lock", "a", "--", "true"); !strings.Contains(log, "killed") {
		t.Errorf("of the dead holder it says %q", log)
	}
}

// With somebody there to give it back, it is given back at the command's end.
func TestLockEndsWithItsCommand(t *testing.T) {
	t.Setenv("SHMKIT_DIR", t.TempDir())
	first := start(t, "lock", "a", "--", "sh", "-c", `exec 3<&0; cat <&3 >/dev/null &`)
	first.ends(0)
	if _, log := does(t, 0, "lock", "-n", "a", "--", "true"); log != "" {
		t.Errorf("it says %q", log)
	}
}

// A command that cannot be started has repaired nothing.
func TestLockStaysAbandoned(t *testing.T) {
	t.Setenv("SHMKIT_DIR", t.TempDir())
	first := start(t, "lock", "a", "--", "sh", "-c", stays)
	first.wants("in")
	first.signal(syscall.SIGKILL)
	first.in.Close()
	for _, c := range []struct {
		command string
		status  int
		said    bool
	}{{"/nosuch", flockUnavailable, true}, {"true", 0, true}, {"true", 0, false}} {
		if _, log := does(t, c.status, "lock", "a", "--", c.command); strings.Contains(log, "killed") != c.said {
			t.Errorf("%+v: it says %q", c, log)
		}
	}
}

// What this process was given is the command's, under the same numbers.
func TestLockHandsDescriptorsOn(t *testing.T) {
	t.Setenv("SHMKIT_DIR", t.TempDir())
	cmd := shmkitCommand(t, "lock", "a", "--", "readlink", "/proc/self/fd/3")
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	cmd.ExtraFiles = []*os.File{null}
	p := startCommand(t, cmd)
	p.wants(os.DevNull)
	p.ends(0)
}

func TestLockCompletion(t *testing.T) {
	objects(t)
	v, err := shm.OpenOrCreate[sem.Mutex]("app.lock")
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	for args, want := range map[string]string{
		"__complete lock app":             "app.lock var :4",
		"__complete lock --timeout 3 app": "app.lock var :4",
		"__complete lock app.lock -- ca":  ":0",
		"__complete lock app.lock ca":     ":0",
	} {
		var out strings.Builder
		if code := run(strings.Fields(args), &out, new(strings.Builder)); code != exitOK || fields(out.String()) != want {
			t.Errorf("%s gives %q and ends with %d, want %q", args, fields(out.String()), code, want)
		}
	}
}

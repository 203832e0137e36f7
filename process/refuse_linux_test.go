package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The argument's way is longer than a pipe.
func TestLargeArgument(t *testing.T) {
	b := make([]byte, 32<<20)
	b[len(b)-1] = 7
	if err := joined(t, launched(t, lastByte, b)); err != nil {
		t.Error(err)
	}
}

var lastByte = Register("lastByte", func(_ context.Context, b []byte) error {
	if len(b) != 32<<20 || b[len(b)-1] != 7 {
		return fmt.Errorf("%d bytes", len(b))
	}
	return nil
})

type stubborn struct{ How string }

func (s stubborn) MarshalText() ([]byte, error) { return []byte(s.How), nil }
func (s *stubborn) UnmarshalText(b []byte) error {
	switch string(b) {
	case "panic":
		panic("no")
	case "exit":
		os.Exit(9)
	case "sleep":
		time.Sleep(time.Hour)
	}
	return errors.New("I will not")
}

var takes = Register("takes", func(context.Context, struct{ S stubborn }) error { return nil })

func TestStartFails(t *testing.T) {
	before := fds()
	for how, want := range map[string]string{
		"refuse": "I will not",
		"panic":  "decoding the argument panics: no",
		"exit":   "exit code 9) before it took its argument",
	} {
		p, err := takes.Start(bg, struct{ S stubborn }{stubborn{how}})
		if err == nil || !strings.Contains(err.Error(), want) || p != nil {
			t.Errorf("%s: %v", how, err)
		}
	}
	ctx, cancel := context.WithTimeout(bg, 100*time.Millisecond)
	defer cancel()
	if _, err := takes.Start(ctx, struct{ S stubborn }{stubborn{"sleep"}}); err != context.DeadlineExceeded {
		t.Error(err)
	}
	for want, set := range map[string]func(*Process){
		"no such file or directory": func(p *Process) { p.Dir = "/no/such/directory" },
		"no CPU 99999":              func(p *Process) { p.CPUs = []int{99999} },
		"invalid argument":          func(p *Process) { p.CPUs = []int{} },
	} {
		p := nothing.Command(bg, struct{}{})
		set(p)
		if err := p.Start(); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "process: start "+p.Name) {
			t.Errorf("%v, want %s", err, want)
		}
		if err := p.Join(bg); err == nil {
			t.Error("joined what has not started")
		}
	}
	var none Func[int]
	if _, err := none.Start(bg, 1); err == nil || !strings.Contains(err.Error(), "Register") {
		t.Error(err)
	}
	if _, err := anys.Start(bg, []any{1, func() {}}); err == nil || !strings.Contains(err.Error(), "argument []interface {}[1]: func() cannot be encoded") {
		t.Error(err)
	}
	if left := Children(); len(left) > 0 || fds() > before {
		t.Errorf("%v, %d descriptors, before %d", left, fds(), before)
	}
}

var anys = Register("anys", func(context.Context, []any) error { return nil })

func TestFields(t *testing.T) {
	dir := t.TempDir()
	out := told(t, func(p *Process) {
		p.Dir, p.Env, p.CPUs, p.Nice = dir, append(os.Environ(), "FLAVOUR=salt"), []int{firstCPU()}, 5
		p.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	})
	for _, want := range []string{"Dir:" + dir, "Env:salt"} {
		if !strings.Contains(out, want) {
			t.Errorf("%s lacks %s", out, want)
		}
	}
	raw, _ := unix.Getpriority(unix.PRIO_PROCESS, 0)
	if want := fmt.Sprintf("Nice:%d CPUs:1 Procs:0", min(20-raw+5, 19)); !strings.Contains(out, want) {
		t.Errorf("%s lacks %s", out, want)
	}
	if n := NumCPU(); n < 1 || n > runtime.NumCPU() {
		t.Errorf("%d CPUs", n)
	}
}

func firstCPU() int {
	var set unix.CPUSet
	unix.SchedGetaffinity(0, &set)
	for n := 0; ; n++ {
		if set.IsSet(n) {
			return n
		}
	}
}

// A program is this test's binary in another role: one that has not called Main.
const envForgets = "SHMKIT_TEST_FORGETS"

func init() {
	switch os.Getenv(envForgets) {
	case "start": // before Main, or without
		_, err := nothing.Start(bg, struct{}{})
		fmt.Println(err)
		os.Exit(0)
	case "bomb": // the parent calls Main, the child does not come to it and starts the next
		if !marked {
			Main()
		}
		_, err := nothing.Start(bg, struct{}{})
		fmt.Println(err)
		os.Exit(4)
	}
}

func TestForgotten(t *testing.T) {
	for forgets, want := range map[string][]string{
		"start": {"process.Main has not been called: make it the first line of main"},
		"bomb": {
			"this process is itself a child that has not come to process.Main yet",
			"exit code 4) before it took its argument",
		},
	} {
		cmd := exec.Command("/proc/self/exe")
		cmd.Env = append(os.Environ(), envForgets+"="+forgets)
		out, _ := cmd.CombinedOutput()
		for _, w := range want {
			if strings.Count(string(out), w) != 1 {
				t.Errorf("%s: %q not once in\n%s", forgets, w, out)
			}
		}
	}
}

func TestRegisterPanics(t *testing.T) {
	for want, f := range map[string]func(){
		"too late":         func() { Register("late", func(context.Context, int) error { return nil }) },
		"registered twice": func() { Register("nothing", func(context.Context, int) error { return nil }) },
		"empty name":       func() { Register("", func(context.Context, int) error { return nil }) },
		"nil function":     func() { Register[int]("nil", nil) },
		"struct { F func() }.F: func() cannot be encoded": func() {
			Register("func", func(context.Context, struct{ F func() }) error { return nil })
		},
	} {
		func() {
			defer func() {
				if r := fmt.Sprint(recover()); !strings.Contains(r, want) {
					t.Errorf("%s, want %s", r, want)
				}
			}()
			f()
		}()
	}
}

// A program that a child starts by other means is no child, though it has inherited the child's environment.
func TestMarkIsNotInherited(t *testing.T) {
	var out bytes.Buffer
	p := runs.Command(bg, "env | grep "+envMark+"; readlink /proc/$$/fd/3 /proc/$$/fd/4 /proc/$$/fd/5; true")
	p.Stdout = &out
	launchedAs(t, p)
	if err := joined(t, p); err != nil {
		t.Fatal(err)
	}
	if out.Len() > 0 {
		t.Errorf("it has inherited %s", &out)
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^$")
	cmd.Env = append(os.Environ(), envMark+"=1,2")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("a stale mark: %v: %s", err, out)
	}
}

var runs = Register("runs", func(_ context.Context, script string) error {
	cmd := exec.Command("/bin/sh", "-c", script)
	cmd.Stdout = os.Stdout
	return cmd.Run()
})

// Output that somebody else still has open keeps nobody for ever.
func TestStraggler(t *testing.T) {
	var out bytes.Buffer
	p := runs.Command(bg, "sleep 15 & echo $!")
	p.Stdout = &out
	begin := time.Now()
	launchedAs(t, p)
	err := joined(t, p)
	sleeper, notPID := strconv.Atoi(strings.TrimSpace(out.String()))
	if err != nil || notPID != nil {
		t.Fatalf("%v, %q", err, &out)
	}
	if d := time.Since(begin); d > 12*time.Second {
		t.Errorf("joined after %v", d)
	}
	unix.Kill(sleeper, unix.SIGKILL) // it is ours by now, and would be taken for what another test leaves
	if pid, err := unix.Wait4(sleeper, nil, 0, nil); pid != sleeper {
		t.Errorf("wait for the sleeper: %d, %v", pid, err)
	}
}

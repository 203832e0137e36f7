package process

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
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

// dynasty is a process with children, and they with theirs, that all do what they are told.
type dynasty struct {
	Depth, Width int
	Do           string
	Detached     bool
}

var dynasts *Func[dynasty]

func init() { dynasts = Register("dynasts", reign) }

func reign(ctx context.Context, d dynasty) error {
	for range d.Width {
		if d.Depth == 0 {
			break
		}
		p := dynasts.Command(ctx, dynasty{Depth: d.Depth - 1, Width: d.Width, Do: d.Do})
		p.Detached = d.Detached
		if err := p.Start(); err != nil {
			return err
		}
	}
	fmt.Println("pid", os.Getpid())
	switch d.Do {
	case "spin": // every CPU, where the collector cannot stop it but for a signal
		for range runtime.GOMAXPROCS(0) {
			go func() {
				for i := 0; ; i++ {
					_ = i
				}
			}()
		}
	case "stop":
		syscall.Kill(os.Getpid(), syscall.SIGSTOP)
	case "breed":
		for {
			p, err := dynasts.Start(ctx, dynasty{Do: "breed0"})
			if err != nil {
				return err
			}
			_ = p.Signal(syscall.SIGUSR2) // ends a Go program that does not care
		}
	}
	return forever()
}

// orphanage makes what this process's descendants leave behind its own children, for the test's duration.
func orphanage(t *testing.T) {
	t.Helper()
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0) })
}

// orphans reaps those who have died and names those who live.
func orphans() (alive []string) {
	for {
		pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil)
		if pid <= 0 && err != unix.EINTR {
			break
		}
	}
	tasks, _ := os.ReadDir("/proc/self/task")
	for _, task := range tasks {
		b, _ := os.ReadFile("/proc/self/task/" + task.Name() + "/children")
		alive = append(alive, strings.Fields(string(b))...)
	}
	return alive
}

// noOrphans wants every descendant to be gone soon. A second is the promise; a machine that is busy with other things
// gets more, and the longest is told.
func noOrphans(t *testing.T) (took time.Duration) {
	t.Helper()
	begin := time.Now()
	for {
		left := orphans()
		took = time.Since(begin)
		if len(left) == 0 {
			return took
		}
		if took > 10*time.Second {
			for _, pid := range left {
				n, _ := strconv.Atoi(pid)
				unix.Kill(n, unix.SIGKILL)
			}
			time.Sleep(100 * time.Millisecond)
			orphans()
			t.Fatalf("still alive after %v: %v", took, left)
		}
		time.Sleep(time.Millisecond)
	}
}

// reigning starts a dynasty and returns when n of it have said that they are there.
func reigning(t *testing.T, d dynasty, n int) (*Process, []int) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p := dynasts.Command(bg, d)
	p.Stdout = w
	launchedAs(t, p)
	w.Close()
	var pids []int
	for s := bufio.NewScanner(r); len(pids) < n; {
		r.SetReadDeadline(time.Now().Add(patience))
		if !s.Scan() {
			t.Fatalf("%d of %d are there: %v", len(pids), n, s.Err())
		}
		pid, _ := strconv.Atoi(strings.TrimPrefix(s.Text(), "pid "))
		pids = append(pids, pid)
	}
	return p, pids
}

// Children die with a parent that is killed, and so do their children, whatever they are doing.
func TestDieWithTheParent(t *testing.T) {
	orphanage(t)
	for _, do := range []string{"sleep", "spin", "stop"} {
		t.Run(do, func(t *testing.T) {
			p, _ := reigning(t, dynasty{Depth: 2, Width: 2, Do: do}, 7)
			p.Kill()
			joined(t, p)
			t.Log(noOrphans(t))
		})
	}
}

// The same when the parent returns, or ends in any other way of its own.
func TestDieWithAParentThatReturns(t *testing.T) {
	orphanage(t)
	if err := joined(t, launched(t, leaver, struct{}{})); err != nil {
		t.Fatal(err)
	}
	noOrphans(t)
}

var leaver = Register("leaver", func(ctx context.Context, _ struct{}) error {
	for range 3 {
		if _, err := deaf.Start(ctx, struct{}{}); err != nil {
			return err
		}
	}
	return nil
})

// The thread that a goroutine has started its child from ends, and the child lives on: the death signal alone
// would have killed it.
func TestTheStartersThreadEnds(t *testing.T) {
	got := make(chan *Process)
	go func() {
		runtime.LockOSThread()
		p, err := wait.Start(bg, struct{}{})
		if err != nil {
			t.Error(err)
		}
		got <- p
	}() // its thread ends with it
	p := <-got
	defer p.Kill()
	select {
	case <-p.Done():
		t.Fatal(p.Join(bg))
	case <-time.After(200 * time.Millisecond):
	}
}

// kills is how often a test kills at random: few, or what SHMKIT_KILLS says, up to most.
func kills(few, most int) int {
	if n, err := strconv.Atoi(os.Getenv("SHMKIT_KILLS")); err == nil && n > 0 {
		return min(n, most)
	}
	return few
}

// The parent is killed at any moment, while it starts children that start children.
func TestKillTheParent(t *testing.T) {
	orphanage(t)
	worst := time.Duration(0)
	n := kills(10, 200)
	for range n {
		p := dynasts.Command(bg, dynasty{Depth: 1, Width: 3, Do: "breed"})
		p.Stdout = io.Discard
		launchedAs(t, p)
		time.Sleep(rand.N(30 * time.Millisecond))
		p.Kill()
		joined(t, p)
		worst = max(worst, noOrphans(t))
	}
	t.Logf("%d kills, the last descendant was gone after %v at most", n, worst)
	if names, _ := os.ReadDir(os.Getenv("SHMKIT_DIR")); len(names) > 0 {
		t.Errorf("names are left: %v", names)
	}
}

func TestDetached(t *testing.T) {
	orphanage(t)
	p, pids := reigning(t, dynasty{Depth: 1, Width: 1, Detached: true}, 2)
	p.Kill()
	joined(t, p)
	time.Sleep(100 * time.Millisecond) // what dies with its parent is dead by then: TestKillTheParent
	left := orphans()
	if len(left) != 1 {
		t.Fatalf("%v of %v have survived, want one", left, pids)
	}
	pid, _ := strconv.Atoi(left[0])
	if sid, err := unix.Getsid(pid); sid != pid {
		t.Errorf("it is in session %d, %v", sid, err)
	}
	unix.Kill(pid, unix.SIGKILL)
	noOrphans(t)
}

// A detached child sees its parent go.
func TestParentDone(t *testing.T) {
	orphanage(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p := abandons.Command(bg, true)
	p.Stdout = w
	launchedAs(t, p)
	w.Close()
	r.SetReadDeadline(time.Now().Add(patience))
	in := bufio.NewReader(r)
	if s, err := in.ReadString('\n'); err != nil {
		t.Fatal(s, err)
	}
	p.Kill()
	joined(t, p)
	if b, err := io.ReadAll(in); string(b) != "<nil>\n" {
		t.Errorf("%q, %v", b, err)
	}
	noOrphans(t)
}

var abandons *Func[bool]

func init() {
	abandons = Register("abandons", func(ctx context.Context, parent bool) error {
		if !parent {
			<-Parent().Done()
			fmt.Println(Parent().Join(ctx))
			return nil
		}
		p := abandons.Command(ctx, false)
		p.Detached = true
		if err := p.Start(); err != nil {
			return err
		}
		fmt.Println("started")
		return forever()
	})
}

func TestContextEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(bg)
	p, err := wait.Start(ctx, struct{}{})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := joined(t, p); err != nil {
		t.Errorf("asked politely: %v", err)
	}
	if p, err := wait.Start(ctx, struct{}{}); err != context.Canceled || p != nil {
		t.Errorf("%v, %v", p, err)
	}
}

func TestGrace(t *testing.T) {
	for grace, want := range map[time.Duration]string{20 * time.Millisecond: "had not ended 20ms after", -1: "killed"} {
		ctx, cancel := context.WithCancel(bg)
		p := deaf.Command(ctx, struct{}{})
		p.Grace = grace
		launchedAs(t, p)
		cancel()
		if e := wantExit(t, joined(t, p), -1, want); e.Signal != syscall.SIGKILL {
			t.Error(e)
		}
	}
	ctx, cancel := context.WithCancel(bg) // one that is stopped does not hear the question
	p := dynasts.Command(ctx, dynasty{Do: "stop"})
	p.Grace, p.Stdout = 20*time.Millisecond, io.Discard
	launchedAs(t, p)
	cancel()
	wantExit(t, joined(t, p), -1)
}

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
	p := runs.Command(bg, "sleep 15 & echo started")
	p.Stdout = &out
	begin := time.Now()
	launchedAs(t, p)
	if err := joined(t, p); err != nil || out.String() != "started\n" {
		t.Errorf("%v, %q", err, &out)
	}
	if d := time.Since(begin); d > 12*time.Second {
		t.Errorf("joined after %v", d)
	}
}

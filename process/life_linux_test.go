package process

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
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

// orphanage makes what this process's descendants leave behind its own children. What earlier tests have left, which do not
// look after it, is none of the test's business.
func orphanage(t *testing.T) {
	t.Helper()
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil { // it is one already, for the leak check
		t.Fatal(err)
	}
	strangers = orphansBut(nil)
}

var strangers []string

// orphans reaps those who have died and names those who live.
func orphans() (alive []string) { return orphansBut(strangers) }

func orphansBut(strangers []string) (alive []string) {
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
	return slices.DeleteFunc(alive, func(pid string) bool { return slices.Contains(strangers, pid) })
}

// generous is for how long an orphan may live here. A second is what is promised, where the machine has time for it.
const generous = 10 * time.Second

// noOrphans wants every descendant to be gone soon, and tells how long that took. The last look comes after the time is over: this
// process may have stood still.
func noOrphans(t *testing.T) (took time.Duration) {
	t.Helper()
	begin := time.Now()
	for {
		late := time.Since(begin) > generous
		left := orphans()
		took = time.Since(begin)
		if len(left) == 0 {
			return took
		}
		if late {
			t.Errorf("still alive after %v:", took)
			for _, pid := range left {
				cmd, _ := os.ReadFile("/proc/" + pid + "/cmdline")
				stat, _ := os.ReadFile("/proc/" + pid + "/stat")
				t.Logf("%q %.60s", cmd, stat)
				n, _ := strconv.Atoi(pid)
				unix.Kill(n, unix.SIGKILL)
			}
			time.Sleep(100 * time.Millisecond)
			orphans()
			t.FailNow()
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

// The parent is killed at any moment, while it starts children that start children. The promise is a second, and the long
// form tells how much of it is used.
func TestKillTheParent(t *testing.T) {
	orphanage(t)
	var took []time.Duration
	for range kills(10, 10_000) {
		p := dynasts.Command(bg, dynasty{Depth: 1, Width: 3, Do: "breed"})
		p.Stdout = io.Discard
		launchedAs(t, p)
		time.Sleep(rand.N(30 * time.Millisecond))
		p.Kill()
		joined(t, p)
		took = append(took, noOrphans(t))
		if names, _ := os.ReadDir(os.Getenv("SHMKIT_DIR")); len(names) > 0 {
			t.Fatalf("names are left: %v", names)
		}
	}
	t.Logf("%d kills; the last descendant was gone %s after its parent", len(took), quantiles(took))
}

// quantiles says how durations are spread.
func quantiles(ds []time.Duration) string {
	slices.Sort(ds)
	at := func(q float64) time.Duration { return ds[int(q*float64(len(ds)-1))].Round(100 * time.Microsecond) }
	return fmt.Sprintf("p50 %v, p90 %v, p99 %v, at most %v", at(0.5), at(0.9), at(0.99), at(1))
}

// A child dies with its parent also while it is still starting, before any of this package's code has run in it.
func TestDieWithTheParentWhileStarting(t *testing.T) {
	orphanage(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p := midwife.Command(bg, struct{}{})
	p.Stdout = w
	launchedAs(t, p)
	w.Close()
	r.SetReadDeadline(time.Now().Add(patience))
	line, err := bufio.NewReader(r).ReadString('\n')
	pid, notPID := strconv.Atoi(strings.TrimSpace(line))
	if err != nil || notPID != nil {
		t.Fatalf("%q, %v", line, err)
	}
	until(t, "its parent has armed its lifeline", func() bool {
		var flags uint
		info, _ := os.ReadFile(fmt.Sprintf("/proc/%d/fdinfo/%d", pid, fdLife))
		_, at, _ := strings.Cut(string(info), "flags:")
		_, err := fmt.Sscanf(strings.TrimSpace(at), "%o", &flags)
		return err == nil && flags&unix.O_ASYNC != 0
	})
	p.Kill()
	joined(t, p)
	t.Log(noOrphans(t))
}

// envSlow keeps a process in the initialisation of its variables, which comes before that of this package.
const envSlow = "SHMKIT_TEST_SLOW"

var _ = func() bool {
	if os.Getenv(envSlow) != "" {
		fmt.Println(os.Getpid())
		_ = forever()
	}
	return true
}()

var midwife = Register("midwife", func(ctx context.Context, _ struct{}) error {
	p := deaf.Command(ctx, struct{}{})
	p.Env = append(os.Environ(), envSlow+"=1")
	return p.Start()
})

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

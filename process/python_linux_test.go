package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/race"
	"github.com/shmkit/shmkit/sem"
	"github.com/shmkit/shmkit/shm"
)

// One test for each behaviour of Python's multiprocessing.Process that there is here; the names are those of
// CPython's tests, without the class.

// facts is what a child finds out about itself.
type facts struct {
	Name, Parent string
	PID, PPID    int
	Args         []string
	Dir, Env     string
	FDs          int
	Nice         int
	CPUs, Procs  int
	Children     int
}

var tell = Register("tell", func(_ context.Context, _ struct{}) error {
	raw, _ := syscall.Getpriority(syscall.PRIO_PROCESS, 0)
	dir, _ := os.Getwd()
	fds, _ := os.ReadDir("/proc/self/fd")
	f := facts{Current().Name, Parent().Name, Current().PID(), Parent().PID(), os.Args, dir, os.Getenv("FLAVOUR"),
		len(fds), 20 - raw, NumCPU(), threadsNotNiced(20 - raw), len(Children())}
	_, err := fmt.Printf("%+q\n", fmt.Sprintf("%+v", f))
	return err
})

// threadsNotNiced counts the threads of this process whose nice value is another.
func threadsNotNiced(want int) (n int) {
	tasks, _ := os.ReadDir("/proc/self/task")
	for _, t := range tasks {
		var tid int
		fmt.Sscan(t.Name(), &tid)
		if raw, err := syscall.Getpriority(syscall.PRIO_PROCESS, tid); err == nil && 20-raw != want {
			n++
		}
	}
	return n
}

// told runs tell and gives what it prints.
func told(t *testing.T, set func(*Process)) string {
	t.Helper()
	var out bytes.Buffer
	p := tell.Command(bg, struct{}{})
	p.Stdout = &out
	if set != nil {
		set(p)
	}
	launchedAs(t, p)
	if err := joined(t, p); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestPythonProcess(t *testing.T) {
	p := tell.Command(bg, struct{}{})
	p.Stdout = io.Discard
	if p.PID() != 0 {
		t.Errorf("pid %d before the start", p.PID())
	}
	if err := p.Join(bg); err == nil || !strings.Contains(err.Error(), "has not been started") {
		t.Errorf("join before the start: %v", err)
	}
	for _, err := range []error{p.Signal(syscall.SIGTERM), p.Kill()} {
		if err == nil || !strings.Contains(err.Error(), "has not been started") {
			t.Errorf("signal before the start: %v", err)
		}
	}
	select {
	case <-p.Done():
		t.Error("done before the start")
	default:
	}
	launchedAs(t, p)
	if err := p.Start(); err == nil || !strings.Contains(err.Error(), "started before") {
		t.Errorf("second start: %v", err)
	}
	if err := joined(t, p); err != nil {
		t.Error(err)
	}
	if len(Children()) != 0 {
		t.Errorf("%v are left", Children())
	}
	if err := p.Kill(); err != os.ErrProcessDone {
		t.Errorf("kill after the end: %v", err)
	}
	if p.PID() == 0 {
		t.Error("the pid is gone with the process")
	}
}

// Default names count; those of children carry their parent's.
func TestPythonNames(t *testing.T) {
	a, b := tell.Command(bg, struct{}{}), tell.Command(bg, struct{}{})
	if a.Name == b.Name || !strings.HasPrefix(a.Name, "Process-") {
		t.Errorf("%s, %s", a.Name, b.Name)
	}
	var out bytes.Buffer
	p := nest.Command(bg, 2)
	p.Stdout = &out
	launchedAs(t, p)
	if err := joined(t, p); err != nil {
		t.Fatal(err)
	}
	n := p.Name
	want := fmt.Sprintf("%s of MainProcess\n%s:1 of %s\n%s:1:1 of %s:1\n%s:2 of %s\n%s:2:1 of %s:2\n", n, n, n, n, n, n, n, n, n)
	if out.String() != want {
		t.Errorf("got %swant %s", &out, want)
	}
	if out := told(t, func(p *Process) { p.Name = "same name" }) + told(t, func(p *Process) { p.Name = "same name" }); strings.Count(out, "Name:same name Parent:MainProcess") != 2 {
		t.Error(out)
	}
}

var nest *Func[int]

func init() {
	nest = Register("nest", func(ctx context.Context, depth int) error {
		fmt.Printf("%s of %s\n", Current().Name, Parent().Name)
		for range min(depth, 1+depth/2) {
			if depth == 0 {
				break
			}
			p, err := nest.Start(ctx, depth-1)
			if err != nil {
				return err
			}
			if err := p.Join(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}

func TestPythonCurrentAndParent(t *testing.T) {
	if Current().Name != "MainProcess" || Current().PID() != os.Getpid() || Parent() != nil {
		t.Errorf("%s %d %v", Current().Name, Current().PID(), Parent())
	}
	if err := Current().Join(bg); err == nil {
		t.Error("a process has joined itself")
	}
	if err := Current().Start(); err == nil {
		t.Error("a process has started itself")
	}
	out := told(t, nil)
	for _, want := range []string{
		"Parent:MainProcess", fmt.Sprintf("PPID:%d", os.Getpid()), "Children:0", os.Args[0],
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%s lacks %s", out, want)
		}
	}
}

func TestPythonActiveChildren(t *testing.T) {
	p := launched(t, wait, struct{}{})
	q := launched(t, wait, struct{}{})
	if got := Children(); len(got) != 2 || got[0] != p || got[1] != q {
		t.Errorf("%v", got)
	}
	p.Kill()
	joined(t, p)
	if got := Children(); len(got) != 1 || got[0] != q {
		t.Errorf("%v", got)
	}
}

// wait ends when it is asked to. It says "ready" when it listens.
var wait = Register("wait", func(ctx context.Context, _ struct{}) error {
	done := ctx.Done()
	fmt.Println("ready")
	<-done
	return nil
})

// listening starts one of these, and waits until signals will be heard.
func listening(t *testing.T, f *Func[struct{}]) *Process {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p := f.Command(bg, struct{}{})
	p.Stdout = w
	launchedAs(t, p)
	w.Close()
	r.SetReadDeadline(time.Now().Add(patience))
	if _, err := io.ReadFull(r, make([]byte, len("ready\n"))); err != nil {
		t.Fatal(err)
	}
	return p
}

// deaf never ends.
var deaf = Register("deaf", func(context.Context, struct{}) error { return forever() })

// stubbornly does not end either, though it hears.
var stubbornly = Register("stubbornly", func(ctx context.Context, _ struct{}) error {
	ctx.Done()
	fmt.Println("ready")
	return forever()
})

func TestPythonTerminate(t *testing.T) {
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		p := listening(t, wait)
		if err := p.Signal(s); err != nil {
			t.Error(err)
		}
		if err := joined(t, p); err != nil {
			t.Errorf("%v: %v", s, err)
		}
		p = launched(t, deaf, struct{}{}) // nobody listens: it is a program like any other
		p.Signal(s)
		if e := wantExit(t, joined(t, p), -1); e.Signal != s {
			t.Error(e)
		}
	}
}

func TestPythonKill(t *testing.T) {
	p := launched(t, deaf, struct{}{})
	p.Kill()
	e := wantExit(t, joined(t, p), -1, p.Name, "killed")
	if e.Signal != syscall.SIGKILL {
		t.Errorf("%v", e.Signal)
	}
}

// What was interrupted and does not care goes on; the second time it does not.
func TestPythonInterrupt(t *testing.T) {
	p := listening(t, stubbornly)
	p.Signal(syscall.SIGINT)
	p.Signal(syscall.SIGTERM)
	select {
	case <-p.Done():
		t.Fatal(p.Join(bg))
	case <-time.After(50 * time.Millisecond):
	}
	for p.Signal(syscall.SIGINT) == nil { // one that comes too soon after another is one with it
		time.Sleep(time.Millisecond)
	}
	if e := wantExit(t, joined(t, p), -1); e.Signal != syscall.SIGINT {
		t.Error(e)
	}
}

func TestPythonJoinTimeout(t *testing.T) {
	p := launched(t, wait, struct{}{})
	ctx, cancel := context.WithTimeout(bg, time.Millisecond)
	defer cancel()
	if err := p.Join(ctx); err != context.DeadlineExceeded {
		t.Error(err)
	}
	p.Kill()
	<-p.Done()
	if err := p.Join(ctx); err == context.DeadlineExceeded {
		t.Error("a join that need not wait has failed for its context")
	}
}

// The arrival of the end in a select is Python's sentinel.
func TestPythonSentinel(t *testing.T) {
	p := launched(t, nothing, struct{}{})
	select {
	case <-p.Done():
	case <-time.After(patience):
		t.Error("Done stays open")
	}
}

func TestPythonStdin(t *testing.T) {
	var out bytes.Buffer
	p := echo.Command(bg, struct{}{})
	p.Stdout = &out
	launchedAs(t, p)
	if err := joined(t, p); err != nil || out.Len() > 0 {
		t.Errorf("%v, %q", err, &out)
	}
	p = echo.Command(bg, struct{}{})
	p.Stdin, p.Stdout = strings.NewReader("from the parent"), &out
	launchedAs(t, p)
	if err := joined(t, p); err != nil || out.String() != "from the parent" {
		t.Errorf("%v, %q", err, &out)
	}
}

var echo = Register("echo", func(context.Context, struct{}) error {
	_, err := io.Copy(os.Stdout, os.Stdin)
	return err
})

func TestPythonChildFDInflation(t *testing.T) {
	count := func() string {
		_, s, _ := strings.Cut(told(t, nil), "FDs:")
		s, _, _ = strings.Cut(s, " ")
		return s
	}
	first := count()
	for range 5 {
		defer launched(t, wait, struct{}{}).Kill()
	}
	if now := count(); now != first {
		t.Errorf("a child has %s descriptors, the first had %s", now, first)
	}
}

// crowd is how many children there are at once; programs with the race detector take long to start.
func crowd() int {
	if race.Enabled {
		return 20
	}
	return 100
}

// 100 at once.
func TestPythonManyProcesses(t *testing.T) {
	n := crowd()
	before := fds()
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			p, err := nothing.Start(bg, struct{}{})
			if err != nil {
				t.Error(err)
				return
			}
			if err := p.Join(bg); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if after := fds(); after > before+2 { // the poller's, if it was not there yet
		t.Errorf("%d descriptors, before %d", after, before)
	}
	if len(Children()) != 0 {
		t.Error(Children())
	}
}

func fds() int {
	e, _ := os.ReadDir("/proc/self/fd")
	return len(e)
}

// 100 that live at the same time, with no thread for each.
func TestPythonManyAlive(t *testing.T) {
	n := crowd()
	before := threads()
	var ps []*Process
	for range n {
		ps = append(ps, launched(t, wait, struct{}{}))
	}
	if got := threads() - before; got > n/2 {
		t.Errorf("%d threads more for %d children", got, n)
	}
	for _, p := range ps {
		p.Kill()
	}
	for _, p := range ps {
		joined(t, p)
	}
}

func threads() int {
	e, _ := os.ReadDir("/proc/self/task")
	return len(e)
}

// The child's globals are its own.
func TestPythonSeparateMemory(t *testing.T) {
	global = 1
	if err := joined(t, launched(t, change, 5)); err != nil {
		t.Error(err)
	}
	if global != 1 {
		t.Error("the child has changed its parent's variable")
	}
}

var global int

var change = Register("change", func(_ context.Context, by int) error {
	if global != 0 {
		return errors.New("the parent's variable came along")
	}
	global = by
	return nil
})

// A terminated child leaves no lock held and no data torn that a lock guards.
func TestPythonTerminateHoldsLock(t *testing.T) {
	v, err := shm.New[sem.Mutex]()
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	p := launched(t, holder, v)
	until(t, "the child has the lock", func() bool {
		if v.Ptr().TryLock() {
			v.Ptr().Unlock()
			return false
		}
		return true
	})
	p.Kill()
	joined(t, p)
	ctx, cancel := context.WithTimeout(bg, patience)
	defer cancel()
	if err := v.Ptr().LockContext(ctx); err != nil || !v.Ptr().Abandoned() {
		t.Errorf("%v", err)
	}
	v.Ptr().Repaired()
	v.Ptr().Unlock()
}

var holder = Register("holder", func(_ context.Context, v *shm.Var[sem.Mutex]) error {
	v.Ptr().Lock()
	return forever()
})

// A parent that ends takes the exit code with it: nobody is a zombie, joined or not.
func TestPythonNoZombies(t *testing.T) {
	p := launched(t, nothing, struct{}{})
	until(t, "the child is reaped though nobody joins it", func() bool {
		_, err := os.Stat(fmt.Sprintf("/proc/%d", p.PID()))
		return os.IsNotExist(err)
	})
}

package proctest

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

const canStop = runtime.GOOS == "linux"

// tester stands for a test, to see it fail.
type tester struct {
	testing.TB
	failure string
	logged  []string
}

func (t *tester) Helper()                 {}
func (t *tester) Logf(f string, a ...any) { t.logged = append(t.logged, fmt.Sprintf(f, a...)) }
func (t *tester) Fatalf(f string, a ...any) {
	t.failure = fmt.Sprintf(f, a...)
	runtime.Goexit()
}

// fails runs f as a test and returns how it failed.
func fails(t *testing.T, f func(t *tester)) string {
	t.Helper()
	fake := &tester{TB: t}
	done := make(chan bool)
	go func() { defer close(done); f(fake) }()
	<-done
	return fake.failure
}

var _ = Register("echo", func(args []string) int {
	for {
		switch s := Hear(); s {
		case "exit":
			return len(args)
		case "crash":
			panic("on demand")
		default:
			Say(strings.Join(append(args, s), " "))
		}
	}
})

func TestConversation(t *testing.T) {
	p := Start(t, "echo", "a", "b c")
	for _, s := range []string{"", "hello", strings.Repeat("x", 100_000)} {
		p.Send(s)
		p.Expect("a b c " + s)
	}
	if p.PID() == os.Getpid() {
		t.Error("the function runs in the test's own process")
	}
	p.Send("last words")
	p.Send("exit")
	if code := p.Wait(); code != 2 {
		t.Errorf("exit code %d, want 2", code)
	}
	p.Expect("a b c last words") // also after Wait
	if code := p.Wait(); code != 2 {
		t.Errorf("second Wait: exit code %d, want 2", code)
	}
}

func TestFailures(t *testing.T) {
	for want, f := range map[string]func(*tester){
		"not registered": func(t *tester) { Start(t, "nobody") },
		`said "x"; want "y"`: func(t *tester) {
			p := Start(t, "echo")
			p.Send("x")
			p.Expect("y")
		},
		"said nothing more: exit code 0": func(t *tester) {
			p := Start(t, "echo")
			p.Send("exit")
			p.Recv()
		},
		"said nothing more: exit code 2": func(t *tester) {
			p := Start(t, "echo")
			p.Send("crash")
			p.Recv()
		},
		"send": func(t *tester) {
			p := Start(t, "echo")
			p.Kill()
			p.Send("x")
		},
	} {
		if got := fails(t, f); !strings.Contains(got, want) {
			t.Errorf("failure %q, want %q", got, want)
		}
	}
}

func TestStderrGoesToTheLog(t *testing.T) {
	var log []string
	fails(t, func(t *tester) {
		p := Start(t, "echo")
		p.Send("crash")
		p.Wait()
		log = t.logged
	})
	if !strings.Contains(strings.Join(log, "\n"), "echo: panic: on demand") {
		t.Errorf("log: %q", log)
	}
}

func TestRegisterPanics(t *testing.T) {
	for _, f := range []func(){
		func() { Register("echo", func([]string) int { return 0 }) },
		func() { Register("", func([]string) int { return 0 }) },
		func() { Register("new", nil) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			f()
		}()
	}
	if code := Call("nobody", nil); code != 127 { // and says so on stderr
		t.Errorf("Call of an unknown name: %d", code)
	}
}

func TestKillIsIdempotent(t *testing.T) {
	p := Start(t, "idle")
	p.Kill()
	p.Kill()
	if code := p.Wait(); code != -1 {
		t.Errorf("exit code %d after SIGKILL, want -1", code)
	}
}

func TestStopAndCont(t *testing.T) {
	if !canStop {
		t.Skip("Stop and Cont are for Linux")
	}
	p := Start(t, "echo")
	for range 3 {
		p.Stop()
		if s := state(p.PID()); s != "T" {
			t.Fatalf("state %q after Stop, want T", s)
		}
		p.Send("x")
		time.Sleep(5 * time.Millisecond)
		if s, ok, _ := p.lines.try(); ok {
			t.Fatalf("a stopped process said %q", s)
		}
		p.Cont()
		p.Expect("x")
	}
	p.Kill()
	if got := fails(t, func(t *tester) { p.t = t; p.Stop() }); !strings.Contains(got, "stop echo") {
		t.Errorf("stopping the dead: %q", got)
	}
}

func TestZombie(t *testing.T) {
	if !canStop {
		t.Skip("Zombie is for Linux")
	}
	p := Start(t, "idle")
	p.Zombie()
	if s := state(p.PID()); s != "Z" {
		t.Errorf("state %q, want Z", s)
	}
	p.Kill()
	if s := state(p.PID()); s != "" {
		t.Errorf("state %q after Kill, want none", s)
	}
}

// state is the letter in /proc, "" when there is no such process.
func state(pid int) string {
	b, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	_, rest, _ := strings.Cut(string(b), ") ")
	return rest[:min(1, len(rest))]
}

// parent starts a child, names it, and is then killed: stopped or not, with the
// death signal or without it, the child must not outlive it.
var _ = Register("parent", func(args []string) int {
	cmd := Command("idle")
	if args[0] == "stdin" {
		cmd.SysProcAttr = nil // no death signal
	}
	r, w, _ := os.Pipe()
	leaked = append(leaked, w)
	cmd.Stdin = r
	if err := Launch(cmd); err != nil {
		return 1
	}
	if args[0] == "stopped" {
		stop(cmd.Process.Pid)
	}
	Say(strconv.Itoa(cmd.Process.Pid))
	Hear()
	return 0
})

func TestChildrenDieWithTheirParent(t *testing.T) {
	if !canStop {
		t.Skip("death signals and /proc are Linux's")
	}
	for _, how := range []string{"signal", "stdin", "stopped"} {
		p := Start(t, "parent", how)
		pid, err := strconv.Atoi(p.Recv())
		if err != nil || state(pid) == "" {
			t.Fatalf("no child: %v", err)
		}
		p.Kill()
		end := time.Now().Add(10 * time.Second)
		for s := state(pid); s != "" && s != "Z"; s = state(pid) {
			if time.Now().After(end) {
				t.Fatalf("%s: the child outlives its parent in state %s", how, s)
			}
			time.Sleep(time.Millisecond)
		}
	}
}

func TestStarterThreadOutlivesGoroutines(t *testing.T) {
	if !canStop {
		t.Skip("death signals are Linux's")
	}
	c := make(chan *Proc)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		c <- Start(t, "echo")
	}()
	p := <-c
	time.Sleep(10 * time.Millisecond)
	p.Send("alive")
	p.Expect("alive")
}

var _ = Register("where", func(args []string) int {
	dir, _ := os.Getwd()
	b, n := make([]byte, 8), 0
	if len(args) > 0 {
		n, _ = os.NewFile(3, "inherited").Read(b)
	}
	Say(strings.Join([]string{os.Getenv("SPICE"), dir, string(b[:n]), strconv.Itoa(os.Getpid()), strconv.Itoa(os.Getuid())}, " "))
	return 0
})

func TestStartWith(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	w.WriteString("file")
	w.Close()
	p := StartWith(t, Attr{Env: []string{"SPICE=salt"}, Dir: "/", Files: []*os.File{r}}, "where", "file")
	if got := p.Recv(); !strings.HasPrefix(got, "salt / file ") {
		t.Errorf("the process saw %q", got)
	}
}

func TestCommandInheritsTheDirectory(t *testing.T) {
	env := strings.Join(Command("idle").Env, "\n")
	if dir := os.Getenv(envDir); dir == "" || !strings.Contains(env, envDir+"="+dir) {
		t.Errorf("%s=%s is not inherited", envDir, dir)
	}
}

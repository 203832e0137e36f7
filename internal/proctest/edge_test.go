package proctest

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// A process may leave a child behind that keeps its output open: Wait does not
// wait for that one.
func TestWaitWithADescendant(t *testing.T) {
	if !canStop {
		t.Skip("without a death signal nothing would end the descendant")
	}
	p := Start(t, "dynasty")
	p.Expect("started")
	start := time.Now()
	if code := p.Wait(); code != 7 {
		t.Errorf("exit code %d, want 7", code)
	}
	if d := time.Since(start); d > 10*time.Second {
		t.Errorf("Wait took %v", d)
	}
}

var _ = Register("dynasty", func([]string) int {
	cmd := Command("idle")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = nil // it outlives its parent, until stdin ends
	if err := Launch(cmd); err != nil {
		return 1
	}
	Say("started")
	return 7
})

func TestManyAtOnce(t *testing.T) {
	var procs [20]*Proc
	var wg sync.WaitGroup
	for i := range procs {
		wg.Go(func() { procs[i] = Start(t, "echo", fmt.Sprint(i)) })
	}
	wg.Wait()
	for _, p := range procs {
		p.Send("here")
	}
	pids := map[int]bool{}
	for i, p := range procs {
		p.Expect(fmt.Sprint(i, " here"))
		pids[p.PID()] = true
	}
	if len(pids) != len(procs) {
		t.Errorf("%d processes, %d pids", len(procs), len(pids))
	}
}

func TestStartReportsWhatItCannot(t *testing.T) {
	got := fails(t, func(t *tester) { StartWith(t, Attr{Dir: "/no/such/directory"}, "idle") })
	if !strings.Contains(got, "start idle: ") {
		t.Errorf("failure %q", got)
	}
}

// More was said than anybody took: the process ends all the same.
func TestUnreadLines(t *testing.T) {
	p := Start(t, "chatter")
	if code := p.Wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	for i := range 50_000 { // and nothing is lost
		p.Expect(fmt.Sprint("line ", i))
	}
}

var _ = Register("chatter", func([]string) int {
	for i := range 50_000 {
		Say(fmt.Sprint("line ", i))
	}
	return 0
})

// A process that does not listen still notices that its parent went.
func TestUnheardLines(t *testing.T) {
	p := Start(t, "deaf")
	p.Expect("ready")
	for range 200 {
		p.Send("x")
	}
	p.in.Close()
	if code := p.Wait(); code != orphaned {
		t.Errorf("exit code %d, want %d", code, orphaned)
	}
}

var _ = Register("deaf", func([]string) int {
	Say("ready")
	time.Sleep(time.Hour)
	return 0
})

func TestLinesAreLines(t *testing.T) {
	p := Start(t, "echo")
	for _, f := range []func(){func() { Say("a\nb") }, func() { p.Send("a\nb") }} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("a newline was accepted")
				}
			}()
			f()
		}()
	}
}

func TestResident(t *testing.T) {
	before := takeStock()
	stop := make(chan bool)
	go lodger(stop)
	stop <- true // it runs: a goroutine that has not begun shows the line that started it
	if err := before.leaks(0); err == nil || !strings.Contains(err.Error(), "lodger") {
		t.Errorf("a goroutine that stays: %v", err)
	}
	defer func(old []string) { residents = old }(residents)
	Resident("proctest.lodger")
	if err := before.leaks(time.Second); err != nil {
		t.Errorf("a resident: %v", err)
	}
	close(stop)
}

func lodger(stop chan bool) { <-stop; <-stop }

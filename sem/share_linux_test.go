package sem_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/owner"
	"github.com/shmkit/shmkit/internal/proctest"
)

// Processes count under a lock, and no round is lost.
func TestProcessesCount(t *testing.T) {
	l, text := newLab(t)
	rounds := 20000
	if testing.Short() {
		rounds = 2000
	}
	var procs []*proctest.Proc
	for i := range 4 {
		procs = append(procs, worker(t, text, 1+i, rounds))
	}
	for _, p := range procs {
		p.Expect("ready")
		p.Expect("done")
		if code := p.Wait(); code != 0 {
			t.Errorf("exit code %d", code)
		}
	}
	if n := l.N[0].Load(); n != int64(4*rounds) || n != l.sum() {
		t.Errorf("%d rounds by the counter, %d by the workers; want %d", n, l.sum(), 4*rounds)
	}
}

// Two processes contend for a second. Both go on; how evenly is told, not judged.
func TestFairness(t *testing.T) {
	l, text := newLab(t)
	a, b := worker(t, text, 1, -1), worker(t, text, 2, -1)
	a.Expect("ready")
	b.Expect("ready")
	until(func() bool { return l.Done[1].Load() > 0 && l.Done[2].Load() > 0 })
	x, y := l.Done[1].Load(), l.Done[2].Load()
	time.Sleep(time.Second)
	x, y = l.Done[1].Load()-x, l.Done[2].Load()-y
	l.Stop.Store(1)
	a.Expect("done")
	b.Expect("done")
	t.Logf("%d and %d rounds in a second: %.2f", x, y, float64(min(x, y))/float64(max(x, y)))
	if x == 0 || y == 0 {
		t.Error("one of them did not go on")
	}
}

// A goroutine locks and ends. Later its process gives the segment up, and lives on.
var _ = proctest.Register("forgetful", func(args []string) int {
	v := enterVar(args)
	locked := make(chan bool)
	go func() { v.Ptr().Mu.Lock(); close(locked) }()
	<-locked
	proctest.Say("locked")
	proctest.Hear()
	if err := v.Close(); err != nil {
		proctest.Say(err.Error())
	}
	proctest.Say("closed")
	proctest.Hear()
	return 0
})

func TestHolderForgets(t *testing.T) {
	l, text := newLab(t)
	p := proctest.Start(t, "forgetful", text)
	p.Expect("locked")
	if err := respect(l); err != nil {
		t.Error(err)
	}
	got := sleepOn(l)
	time.Sleep(2 * short)
	p.Send("close")
	p.Expect("closed")
	if err := <-got; err != nil || !l.Mu.Abandoned() {
		t.Errorf("%v, abandoned %v; its process has closed the segment with the lock held", err, l.Mu.Abandoned())
	}
	p.Send("end")
	if code := p.Wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// A stopped holder keeps the lock; a zombie does not.
func TestStoppedAndZombie(t *testing.T) {
	l, text := newLab(t)
	p := proctest.Start(t, "forgetful", text)
	p.Expect("locked")
	p.Stop()
	if err := respect(l); err != nil {
		t.Error(err)
	}
	p.Cont()
	p.Zombie()
	var w pace
	if err := w.survive(l); err != nil {
		t.Error(err)
	}
	w.judge(t)
	if owner.ID() == 0 {
		t.Error("no id")
	}
}

// On a kernel without futex_waitv and membarrier the same holds.
func TestOldKernel(t *testing.T) {
	if os.Getenv("SHMKIT_TEST_DENY") != "" {
		t.Skip("this run is on one already")
	}
	long(t)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, "-test.short", "-test.timeout=60s", "-test.run", "^Test(Mutex|Semaphore|Storm|Hostile|ProcessesCount|Holder|Stopped|KillUnlock|KillTheWoken)")
	cmd.Env = append(os.Environ(), "SHMKIT_TEST_DENY=1", "SHMKIT_DIR=", "SHMKIT_KILLS=")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "PASS") {
		t.Errorf("%v\n%s", err, out)
	}
}

package sem_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/internal/race"
	"github.com/shmkit/shmkit/sem"
	"github.com/shmkit/shmkit/shm"
)

// threads is the number of OS threads of this process.
func threads() int {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		panic(err)
	}
	_, s, _ := strings.Cut(string(b), "Threads:\t")
	s, _, _ = strings.Cut(s, "\n")
	n, err := strconv.Atoi(s)
	if err != nil {
		panic(err)
	}
	return n
}

func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// A crowd of goroutines that waits: what it costs, and how long it takes to send it home.
var _ = proctest.Register("crowd", func(args []string) int {
	goroutines, _ := strconv.Atoi(args[0])
	words, _ := strconv.Atoi(args[1])
	const most = 2000
	v, err := shm.New[[most]sem.Semaphore]()
	if err != nil {
		proctest.Say(err.Error())
		return 1
	}
	defer v.Close()
	ctx, cancel := context.WithCancel(context.Background())
	var waiting, wrong atomic.Int64
	var all sync.WaitGroup
	for i := range goroutines {
		all.Go(func() {
			waiting.Add(1)
			if err := v.Ptr()[i%words].Acquire(ctx); err != context.Canceled {
				wrong.Add(1)
			}
		})
	}
	for waiting.Load() < int64(goroutines) {
		time.Sleep(time.Millisecond)
	}
	settle()
	proctest.Say(fmt.Sprint("threads ", threads()))
	const span = 2 * time.Second
	start := cpu()
	time.Sleep(span)
	proctest.Say(fmt.Sprintf("cpu %.3f", 100*float64(cpu()-start)/float64(span)))
	begin := time.Now()
	cancel()
	all.Wait()
	proctest.Say(fmt.Sprint("home ", time.Since(begin).Milliseconds()))
	proctest.Say(fmt.Sprint("wrong ", wrong.Load()))
	return 0
})

// settle waits until the number of threads and the CPU time have come to rest.
func settle() {
	for range 100 {
		was := cpu()
		time.Sleep(100 * time.Millisecond)
		if cpu()-was < 5*time.Millisecond {
			return
		}
	}
}

func number(t *testing.T, line, name string) float64 {
	t.Helper()
	s, ok := strings.CutPrefix(line, name+" ")
	x, err := strconv.ParseFloat(s, 64)
	if !ok || err != nil {
		t.Fatalf("%q, want %s and a number", line, name)
	}
	return x
}

func TestCrowd(t *testing.T) {
	for _, c := range []struct {
		goroutines, words, threads int
	}{
		{20000, 2000, 99},
		{1000, 1, 8},
	} {
		if race.Enabled {
			c.goroutines /= 10 // the detector keeps at most 8128 goroutines
			c.words = (c.words + 9) / 10
		}
		t.Run(fmt.Sprintf("%d on %d", c.goroutines, c.words), func(t *testing.T) {
			p := proctest.Start(t, "crowd", strconv.Itoa(c.goroutines), strconv.Itoa(c.words))
			n, load := number(t, p.Recv(), "threads"), number(t, p.Recv(), "cpu")
			home, wrong := number(t, p.Recv(), "home"), number(t, p.Recv(), "wrong")
			t.Logf("%.0f threads, %.2f %% CPU, all home after %.0f ms", n, load, home)
			if int(n) > c.threads {
				t.Errorf("%.0f threads, want at most %d", n, c.threads)
			}
			if wrong != 0 {
				t.Errorf("%.0f goroutines did not get their context's error", wrong)
			}
			if home > 20000 {
				t.Errorf("it took %.0f ms to send all home", home)
			}
			if code := p.Wait(); code != 0 {
				t.Errorf("exit code %d", code)
			}
		})
	}
}

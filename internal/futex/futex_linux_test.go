package futex_test

import (
	"errors"
	"os"
	"os/signal"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/shmkit/shmkit/internal/futex"
	"github.com/shmkit/shmkit/internal/proctest"
)

// waits are the ways to sleep on one word; those of many words only where the kernel has them.
func waits() map[string]func(p *uint32, old uint32, d time.Duration) error {
	m := map[string]func(*uint32, uint32, time.Duration) error{
		"Wait": futex.Wait,
		"WaitBits": func(p *uint32, old uint32, d time.Duration) error {
			return futex.WaitBits(p, old, d, 1<<3)
		},
	}
	if futex.HaveMany() {
		m["WaitMany"] = func(p *uint32, old uint32, d time.Duration) error {
			never := new(uint32)
			_, err := futex.WaitMany([]futex.Word{futex.Private(never, 0), futex.Shared(p, old)}, d)
			runtime.KeepAlive(never)
			return err
		}
	}
	return m
}

func everyWait(t *testing.T, f func(t *testing.T, wait func(*uint32, uint32, time.Duration) error)) {
	for name, wait := range waits() {
		t.Run(name, func(t *testing.T) { f(t, wait) })
	}
}

// wake wakes until somebody was woken, at most for some seconds.
func wake(t *testing.T, once func() int) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); once() == 0; time.Sleep(50 * time.Microsecond) {
		if time.Now().After(end) {
			t.Fatal("nobody to wake")
		}
	}
}

func TestChanged(t *testing.T) {
	everyWait(t, func(t *testing.T, wait func(*uint32, uint32, time.Duration) error) {
		ws, _ := sharedWords(t)
		ws[0] = 7
		if err := wait(&ws[0], 6, 0); err != futex.ErrChanged {
			t.Errorf("%v, want ErrChanged", err)
		}
	})
}

func TestTimeout(t *testing.T) {
	everyWait(t, func(t *testing.T, wait func(*uint32, uint32, time.Duration) error) {
		ws, _ := sharedWords(t)
		const d = 20 * time.Millisecond
		start := time.Now()
		if err := wait(&ws[0], 0, d); err != futex.ErrTimeout {
			t.Errorf("%v, want ErrTimeout", err)
		}
		if took := time.Since(start); took < d || took > 100*d {
			t.Errorf("took %v, want %v", took, d)
		}
	})
}

func TestWake(t *testing.T) {
	everyWait(t, func(t *testing.T, wait func(*uint32, uint32, time.Duration) error) {
		ws, _ := sharedWords(t)
		woken := make(chan error, 3)
		var asleep atomic.Int32
		for range cap(woken) {
			go func() {
				asleep.Add(1)
				woken <- wait(&ws[5], 0, time.Minute)
			}()
		}
		if n := futex.Wake(&ws[6], 1<<20); n != 0 {
			t.Errorf("%d sleep on another word", n)
		}
		for range cap(woken) { // one at a time
			wake(t, func() int { return futex.Wake(&ws[5], 1) })
			if err := <-woken; err != nil {
				t.Error(err)
			}
		}
		if n := futex.Wake(&ws[5], 1); n != 0 {
			t.Errorf("%d sleep although all were woken", n)
		}
	})
}

func TestWakeBits(t *testing.T) {
	ws, _ := sharedWords(t)
	type report struct {
		bit uint32
		err error
	}
	woken := make(chan report, 2)
	for _, bit := range []uint32{1 << 4, 1 << 31} {
		go func() { woken <- report{bit, futex.WaitBits(&ws[0], 0, time.Minute, bit)} }()
	}
	for _, bit := range []uint32{1 << 31, 1 << 4} {
		wake(t, func() int { return futex.WakeBits(&ws[0], bit) })
		if r := <-woken; r.bit != bit || r.err != nil {
			t.Errorf("woke %#x: %v, want %#x", r.bit, r.err, bit)
		}
	}
}

func TestWakeOfWhatIsNoMemory(t *testing.T) {
	_, path := sharedWords(t)
	ws, unmap, err := words(path)
	if err != nil {
		t.Fatal(err)
	}
	word := &ws[0]
	unmap()
	if n := futex.Wake(word, 1) + futex.WakeBits(word, 1); n != 0 {
		t.Errorf("woke %d", n)
	}
}

func TestWaitOnTruncatedFile(t *testing.T) {
	ws, path := sharedWords(t)
	word := &ws[0] // &ws[0] later on would touch what is gone
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	for name, wait := range waits() {
		if err := wait(word, 0, time.Second); err == nil || errors.Is(err, futex.ErrChanged) || errors.Is(err, futex.ErrTimeout) {
			t.Errorf("%s: %v, want an errno", name, err)
		}
	}
	if n := futex.Wake(word, 1); n != 0 {
		t.Errorf("woke %d", n)
	}
}

// The sleeper: waits on word 0 for each turn, answers on word 1.
var _ = proctest.Register("sleeper", func(args []string) int {
	ws, _, err := words(args[0])
	if err != nil {
		return 1
	}
	wait := waits()[args[1]]
	for turn := uint32(0); ; turn++ {
		for atomic.LoadUint32(&ws[0]) == turn {
			if err := wait(&ws[0], turn, 0); err != nil && err != futex.ErrChanged {
				proctest.Say(err.Error())
				return 1
			}
		}
		atomic.StoreUint32(&ws[1], turn+1)
		futex.Wake(&ws[1], 1)
	}
})

func TestAcrossProcesses(t *testing.T) {
	for name, wait := range waits() {
		t.Run(name, func(t *testing.T) {
			ws, path := sharedWords(t)
			proctest.Start(t, "sleeper", path, name)
			for turn := range uint32(200) {
				if turn%40 == 0 {
					time.Sleep(2 * time.Millisecond) // let it fall asleep
				}
				atomic.StoreUint32(&ws[0], turn+1)
				futex.Wake(&ws[0], 1)
				for end := time.Now().Add(20 * time.Second); atomic.LoadUint32(&ws[1]) == turn; {
					if err := wait(&ws[1], turn, time.Second); err == futex.ErrTimeout && time.Now().After(end) {
						t.Fatalf("no answer in turn %d", turn)
					}
				}
			}
		})
	}
}

// A storm of signals neither ends a wait, nor loses a wake-up, nor makes an error.
func TestSignalStorm(t *testing.T) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, unix.SIGUSR1)
	defer signal.Stop(c)
	everyWait(t, func(t *testing.T, wait func(*uint32, uint32, time.Duration) error) {
		ws, _ := sharedWords(t)
		ids := make(chan int, 1)
		done := make(chan int)
		go func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			ids <- unix.Gettid()
			returns := 0
			for atomic.LoadUint32(&ws[0]) == 0 {
				returns++
				if err := wait(&ws[0], 0, time.Minute); err != nil && err != futex.ErrChanged {
					t.Errorf("a signal makes %v", err)
				}
			}
			done <- returns
		}()
		tid := <-ids
		for range 200 {
			unix.Tgkill(unix.Getpid(), tid, unix.SIGUSR1)
			time.Sleep(50 * time.Microsecond)
		}
		atomic.StoreUint32(&ws[0], 1)
		futex.Wake(&ws[0], 1)
		select {
		case n := <-done:
			if n != 1 {
				t.Errorf("the wait returned %d times, want once", n)
			}
		case <-time.After(20 * time.Second):
			t.Fatal("a wake-up was lost")
		}
	})
}

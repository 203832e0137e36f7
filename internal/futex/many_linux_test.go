package futex_test

import (
	"os"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/shmkit/shmkit/internal/futex"
	"github.com/shmkit/shmkit/internal/proctest"
)

func needMany(t *testing.T) {
	t.Helper()
	if !futex.HaveMany() {
		t.Skip("futex_waitv is missing or denied")
	}
}

// vector is n shared words behind a private control word, as a poller has them.
func vector(ws *[1024]uint32, control *uint32, n int) []futex.Word {
	v := []futex.Word{futex.Private(control, atomic.LoadUint32(control))}
	for i := range n {
		v = append(v, futex.Shared(&ws[i], atomic.LoadUint32(&ws[i])))
	}
	return v
}

func TestManySaysWhich(t *testing.T) {
	needMany(t)
	ws, _ := sharedWords(t)
	control := new(uint32)
	const n = futex.MaxMany - 1
	for _, want := range []int{1, 64, n} {
		got := make(chan int, 1)
		go func() {
			i, err := futex.WaitMany(vector(ws, control, n), time.Minute)
			if err != nil {
				t.Error(err)
			}
			got <- i
		}()
		wake(t, func() int { return futex.Wake(&ws[want-1], 1) })
		if i := <-got; i != want {
			t.Errorf("woke %d, it says %d", want, i)
		}
	}
	done := make(chan int, 1)
	go func() {
		i, _ := futex.WaitMany(vector(ws, control, n), time.Minute)
		done <- i
	}()
	for len(done) == 0 { // WakePrivate does not say whom it woke
		futex.WakePrivate(control)
		time.Sleep(100 * time.Microsecond)
	}
	if i := <-done; i != 0 {
		t.Errorf("woke the control word, it says %d", i)
	}
	runtime.KeepAlive(control)
}

func TestManyIsLimited(t *testing.T) {
	needMany(t)
	ws, _ := sharedWords(t)
	control := new(uint32)
	if _, err := futex.WaitMany(vector(ws, control, futex.MaxMany), time.Second); err != unix.EINVAL {
		t.Errorf("one word more than MaxMany: %v", err)
	}
	if _, err := futex.WaitMany(nil, time.Second); err == nil {
		t.Error("no word at all")
	}
	runtime.KeepAlive(control)
}

// Any changed word ends the wait before it begins; the private one too.
func TestManyChanged(t *testing.T) {
	needMany(t)
	ws, _ := sharedWords(t)
	control := new(uint32)
	for i := range 3 {
		v := vector(ws, control, 3)
		if i == 0 {
			atomic.AddUint32(control, 1)
		} else {
			atomic.AddUint32(&ws[i], 1)
		}
		if j, err := futex.WaitMany(v, time.Second); err != futex.ErrChanged || j != -1 {
			t.Errorf("%d: %d, %v", i, j, err)
		}
	}
}

// Of two wake-ups on one sleeping vector one index is told, and both wakers were told "one woken". So after
// a return every word is suspect, and those below the index that was told too.
func TestManyEatsWakeUps(t *testing.T) {
	needMany(t)
	ws, _ := sharedWords(t)
	runtime.LockOSThread() // the two wake-ups come before the sleeper runs again, most times
	defer runtime.UnlockOSThread()
	for range 200 {
		control, got := new(uint32), make(chan int, 1)
		go func() {
			i, _ := futex.WaitMany(vector(ws, control, 2), time.Minute)
			got <- i
		}()
		wake(t, func() int { return futex.Wake(&ws[0], 1) })
		second := futex.Wake(&ws[1], 1)
		i := <-got
		if second == 1 {
			if i != 2 {
				t.Errorf("both were woken, and it tells %d: the pollers rely on the highest", i)
			}
			return
		}
	}
	t.Log("the second wake-up always came too late to be eaten")
}

var _ = proctest.Register("have many", func([]string) int {
	if first, again := futex.HaveMany(), futex.HaveMany(); first != again {
		return 3
	}
	if futex.HaveMany() {
		return 1
	}
	_, err := futex.WaitMany([]futex.Word{futex.Private(new(uint32), 0)}, time.Second)
	if err != unix.ENOSYS {
		return 4
	}
	return 0
})

func TestHaveMany(t *testing.T) {
	p := proctest.StartWith(t, proctest.Attr{Deny: []uintptr{unix.SYS_FUTEX_WAITV}}, "have many")
	if code := p.Wait(); code != 0 {
		t.Errorf("denied: %d", code)
	}
	if os.Getenv("SHMKIT_TEST_DENY") != "" {
		if futex.HaveMany() {
			t.Error("denied, and there")
		}
		return
	}
	control := new(uint32)
	_, err := futex.WaitMany([]futex.Word{futex.Private(control, 1)}, time.Second)
	if (err == futex.ErrChanged) != futex.HaveMany() {
		t.Errorf("HaveMany %v, but a call says %v", futex.HaveMany(), err)
	}
	runtime.KeepAlive(control)
}

package park

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/shmkit/shmkit/internal/futex"
	"github.com/shmkit/shmkit/internal/owner"
)

// never is a slice that no test waits for: what ends a sleep was then something else.
const never = time.Hour

// setSlice sets the slice for one test.
func setSlice(t *testing.T, d time.Duration) {
	t.Helper()
	if n := clock.sleepers.Load(); n != 0 {
		t.Fatalf("%d sleepers left by an earlier test", n)
	}
	old := Slice()
	SetSlice(d)
	t.Cleanup(func() { SetSlice(old) })
}

// page is shared memory with a place in the process table: words of a segment.
type page struct {
	fd     int
	mem    []byte
	region *owner.Region
}

func newPage(t *testing.T) *page {
	t.Helper()
	fd, err := unix.MemfdCreate("park", unix.MFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Ftruncate(fd, 4096); err != nil {
		t.Fatal(err)
	}
	p := &page{fd: fd}
	if p.mem, err = unix.Mmap(fd, 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		t.Fatal(err)
	}
	if p.region, err = owner.Attach(p.mem, fd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		eventually(t, "no waiters in the region", func() bool { return p.region.Waiters() == 0 })
		p.region.Detach()
		unix.Munmap(p.mem)
		unix.Close(fd)
	})
	return p
}

func (p *page) word(i int) *uint32 { return (*uint32)(unsafe.Pointer(&p.mem[4*i])) }

func (p *page) event(i int) *Event { return (*Event)(unsafe.Pointer(&p.mem[128*i])) }

func (p *page) path() string { return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), p.fd) }

// mapPath maps another process's page and, if asked to, becomes a member of it.
func mapPath(path string, claim bool) (*page, error) {
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if claim {
		if err := owner.Claim(fd); err != nil {
			return nil, err
		}
	}
	p := &page{}
	p.mem, err = unix.Mmap(fd, 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	unix.Close(fd)
	return p, err
}

// namer is a Looker whose word names a process.
type namer struct{ word *uint32 }

func (n namer) Stale(t *Tick) bool {
	return t.Dead(unsafe.Pointer(n.word), atomic.LoadUint32(n.word)>>3)
}

// lie parks a goroutine until its sleep ends. The channel takes how.
func lie(ctx context.Context, word *uint32, look Looker) <-chan Wake {
	got := make(chan Wake, 1)
	go func() {
		w := Join(ctx, word, look)
		defer w.Leave()
		if !w.Lead() {
			got <- Done
			return
		}
		got <- w.Sleep(0)
	}()
	return got
}

// lieStill is lie for one who lies down again when it was woken for no reason: by a signal.
func lieStill(ctx context.Context, word *uint32) <-chan Wake {
	got := make(chan Wake, 1)
	go func() {
		for {
			how := <-lie(ctx, word, nobody{})
			if how != Woken || atomic.LoadUint32(word) != 0 {
				got <- how
				return
			}
		}
	}()
	return got
}

// eventually waits until ok, for as long as a busy machine may need.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(100 * time.Microsecond) {
		if time.Now().After(end) {
			t.Fatalf("in vain: %s", what)
		}
	}
}

func sleepers(t *testing.T, n int) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d sleepers", n), func() bool { return clock.sleepers.Load() == int32(n) })
}

// ends fails the test when the sleep does not end, or not as wanted.
func ends(t *testing.T, got <-chan Wake, want ...Wake) {
	t.Helper()
	select {
	case g := <-got:
		for _, w := range want {
			if g == w {
				return
			}
		}
		t.Errorf("sleep ended as %d, want %d", g, want)
	case <-time.After(20 * time.Second):
		t.Fatalf("sleeps on; want %d", want)
	}
}

// still fails the test when the sleep ends by itself.
func still(t *testing.T, got <-chan Wake) {
	t.Helper()
	select {
	case g := <-got:
		t.Fatalf("sleep ended as %d, and nothing has happened", g)
	case <-time.After(5 * time.Millisecond):
	}
}

// change changes a word and wakes who sleeps on it.
func change(word *uint32) {
	atomic.AddUint32(word, 1)
	futex.Wake(word, 1)
}

// empty fails the test when somebody is left in the lot.
func empty(t *testing.T) {
	t.Helper()
	eventually(t, "an empty lot", func() bool {
		n := 0
		for i := range lot {
			lot[i].mu.Lock()
			n += len(lot[i].queues)
			lot[i].mu.Unlock()
		}
		return n == 0 && clock.sleepers.Load() == 0 && directs.Load() == 0
	})
}

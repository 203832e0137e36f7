package ringbuf_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/shmkit/shmkit/internal/fence"
	"github.com/shmkit/shmkit/internal/futex"
	"github.com/shmkit/shmkit/internal/owner"
	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/internal/race"
	"github.com/shmkit/shmkit/ringbuf"
	"github.com/shmkit/shmkit/shm"
)

// The world around a ring: other PID namespaces, deleted names, crowds, a full file system, an old kernel.

// namedPath is where a name of this run lies.
func namedPath(name string) string {
	dir := os.Getenv("SHMKIT_DIR")
	if dir == "" {
		panic("proctest.Main has not given this run a directory")
	}
	return filepath.Join(dir, name)
}

func newNamed(t *testing.T, name string, capacity int) *ringbuf.SPSC[item] {
	t.Helper()
	r, err := ringbuf.SPSCConfig[item]{Cap: capacity}.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Unlink(); err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, os.ErrClosed) {
			t.Error(err)
		}
		r.Close()
	})
	return r
}

// tenant lives in a PID namespace of its own, where it is process 1. It claims the end that it is told to.
var _ = proctest.Register("tenant", func(args []string) int {
	r, err := ringbuf.OpenSPSC[item](args[0])
	if err != nil {
		fmt.Println(err)
		return 1
	}
	proctest.Say(fmt.Sprint("process ", os.Getpid()))
	for {
		switch proctest.Hear() {
		case "claim":
			if _, err = within100ms(r.Producer); errors.Is(err, ringbuf.ErrClaimed) {
				err = ringbuf.ErrClaimed
			}
			proctest.Say(fmt.Sprint(err))
		case "put":
			p, err := r.Producer()
			if err == nil {
				err = p.Put(context.Background(), items.make(7))
			}
			proctest.Say(fmt.Sprint(err))
		}
	}
})

// Two processes that cannot see each other, both number 1, tell all the same whether the other one lives.
func TestPIDNamespaces(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("a PID namespace takes root (CAP_SYS_ADMIN)")
	}
	r := newNamed(t, "namespaces", 8)
	c, err := r.Consumer()
	if err != nil {
		t.Fatal(err)
	}
	attr := proctest.Attr{SysProcAttr: &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}}
	a := proctest.StartWith(t, attr, "tenant", "namespaces")
	b := proctest.StartWith(t, attr, "tenant", "namespaces")
	a.Expect("process 1")
	b.Expect("process 1")
	a.Send("claim")
	a.Expect("<nil>")
	b.Send("claim")
	b.Expect(ringbuf.ErrClaimed.Error())
	if _, err := r.Producer(); !errors.Is(err, ringbuf.ErrClaimed) {
		t.Errorf("from outside: %v", err)
	}
	a.Kill()
	b.Send("put")
	b.Expect("<nil>")
	if n, err := items.get(within(t), c); n != 7 || err != nil {
		t.Error(n, err)
	}
	b.Kill()
	if _, err := within100ms(r.Producer); err != nil {
		t.Error(err)
	}
}

// Somebody deletes every name there is, under load. Who has a ring open goes on, and can still tell the
// living from the dead; who comes later finds nothing, and may make a ring of the same name.
func TestNamesDeleted(t *testing.T) {
	r := newNamed(t, "deleted", 64)
	p, err1 := r.Producer()
	text, err2 := r.MarshalText()
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	var other ringbuf.SPSC[item] // a second handle, from before
	if err := other.UnmarshalText(text); err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	c, err := other.Consumer()
	if err != nil {
		t.Fatal(err)
	}
	ctx, total := within(t), uint64(20_000)
	var deleted atomic.Bool
	go func() {
		for n := range total {
			for n == total/2 && !deleted.Load() {
				time.Sleep(time.Millisecond)
			}
			if err := p.Put(ctx, items.make(n)); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	for n := range total {
		if n == total/4 {
			all, _ := filepath.Glob(filepath.Join(filepath.Dir(namedPath("deleted")), "*"))
			for _, f := range all {
				if err := os.RemoveAll(f); err != nil {
					t.Error(err)
				}
			}
			deleted.Store(true)
		}
		if got, err := items.get(ctx, c); got != n || err != nil {
			t.Fatalf("got %d, want %d: %v", got, n, err)
		}
	}
	if _, err := ringbuf.OpenSPSC[item]("deleted"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open: %v", err)
	}
	again := newNamed(t, "deleted", 8)
	if err := r.Unlink(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Unlink of a name that stands for another ring: %v", err)
	}
	if err := other.UnmarshalText(text); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("an open handle: %v", err)
	}
	if again.Cap() != 8 || r.Cap() != 64 {
		t.Errorf("Cap %d, %d", again.Cap(), r.Cap())
	}
	p.Close()
	name(ringbuf.Payload(r), atProducer, dead)
	if _, err := r.Producer(); err != nil {
		t.Errorf("take-over in a ring without a name: %v", err)
	}
}

// What goes through the ring orders what lies on the heap: under -race this gives no report.
func TestHeapBehindTheRing(t *testing.T) {
	x := newPair[int](t, 8)
	ctx := within(t)
	heap := make([]*[4]int, 8)
	const total = 5000
	go func() {
		for n := range total {
			run, err := x.p.Reserve(ctx, 1) // the consumer has released what was here 8 items ago
			if err != nil {
				t.Error(err)
				return
			}
			heap[n%8] = &[4]int{n, n, n, n}
			run[0] = n % 8
			x.p.Commit(1)
		}
		x.r.Shutdown()
	}()
	for n := range total {
		run, err := x.c.Next(ctx, 1)
		if err != nil {
			t.Fatal(err)
		}
		if v := *heap[run[0]]; v != [4]int{n, n, n, n} {
			t.Fatalf("item %d: %v", n, v)
		}
		heap[run[0]][3] = -1 // ours until it is released
		x.c.Release(1)
	}
	if _, err := x.c.Get(ctx); err != io.EOF {
		t.Error(err)
	}
}

// The same one way, by item and by message.
func TestHeapBehindItems(t *testing.T) {
	t.Run("items", func(t *testing.T) { heapBehind(t, items) })
	t.Run("messages", func(t *testing.T) { heapBehind(t, messages) })
}

func heapBehind[T any](t *testing.T, f form[T]) {
	x := newPair[T](t, f.cap)
	ctx, heap := within(t), make([]int, 5000)
	go func() {
		for n := range heap {
			heap[n] = n + 1
			if err := x.p.Put(ctx, f.make(uint64(n))); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	for n := range heap {
		if got, err := f.get(ctx, x.c); err != nil || heap[got] != n+1 {
			t.Fatalf("item %d: %d, %v", n, got, err)
		}
	}
}

var _ = proctest.Register("guest", func(args []string) int {
	r, err := ringbuf.OpenSPSC[item](args[0])
	if err != nil {
		fmt.Println(err)
		return 1
	}
	proctest.Say(fmt.Sprint(owner.ID()))
	proctest.Hear()
	r.Close()
	return 0
})

// A thousand participants in one ring: each is found, and the end of any of them is held while it lives and
// free when it is gone. A participant is an open description with a lock on its byte; most of these are
// no more than that, some are processes.
func TestThousandParticipants(t *testing.T) {
	r := newNamed(t, "crowd", 8)
	path := namedPath("crowd")
	join := func(id int64) *os.File {
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		lock := unix.Flock_t{Type: unix.F_WRLCK, Start: 1<<40 + id, Len: 1}
		if err := unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &lock); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	want, crowd := []uint32{owner.ID()}, map[uint32]*os.File{}
	guests := 20
	if race.Enabled {
		guests = 4
	}
	for range guests {
		var id uint32
		p := proctest.Start(t, "guest", "crowd")
		if _, err := fmt.Sscan(p.Recv(), &id); err != nil {
			t.Fatal(err)
		}
		want = append(want, id)
	}
	for i := len(want); i < 1000; i++ {
		id := uint32(i) * 536_861 & owner.Mask // all over the range
		crowd[id] = join(int64(id))
		want = append(want, id)
	}
	query, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer query.Close()
	start := time.Now()
	got, err := owner.Living(int(query.Fd()))
	if slices.Sort(want); err != nil || !slices.Equal(got, want) {
		t.Fatalf("%d of %d found, %v", len(got), len(want), err)
	}
	t.Logf("%d ids in %v", len(got), time.Since(start))
	tried := 0
	for id, f := range crowd {
		if tried++; tried > 50 {
			break
		}
		name(ringbuf.Payload(r), atProducer, id)
		if _, err := r.Producer(); !errors.Is(err, ringbuf.ErrClaimed) {
			t.Fatalf("the end of %#x, who lives: %v", id, err)
		}
		f.Close()
		p, err := r.Producer()
		if err != nil {
			t.Fatalf("the end of %#x, who is gone: %v", id, err)
		}
		p.Close()
	}
}

// Where the ring does not fit is an error when it is made; one that was made has all its memory.
func TestRingOnFullFileSystem(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("shmkit-test", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skip("mounting a small tmpfs takes CAP_SYS_ADMIN: ", err)
	}
	defer unix.Unmount(dir, unix.MNT_DETACH)
	cfg := ringbuf.SPSCConfig[[]byte]{Cap: 64 << 10, Mem: shm.Mem{Dir: dir}}
	big := cfg
	big.Cap = 1 << 20
	for _, make := range []func(string) (*ringbuf.SPSC[[]byte], error){big.Create, big.OpenOrCreate} {
		if _, err := make("big"); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("2 MiB into 1 MiB: %v", err)
		}
	}
	var rings []*ringbuf.SPSC[[]byte]
	for n := 0; ; n++ {
		r, err := cfg.Create(fmt.Sprint(n))
		if err != nil {
			if !errors.Is(err, syscall.ENOSPC) || len(rings) == 0 {
				t.Errorf("ring %d: %v", n, err)
			}
			break
		}
		defer r.Close()
		rings = append(rings, r)
	}
	for _, r := range rings { // all of it, while the file system is full
		p, err1 := r.Producer()
		c, err2 := r.Consumer()
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		for range 20 {
			for p.TryPut(make([]byte, 4000)) == nil {
			}
			for {
				if _, err := c.TryGet(); err != nil {
					break
				}
			}
		}
	}
	if left, _ := os.ReadDir(dir); len(left) != len(rings) {
		t.Errorf("%d names for %d rings", len(left), len(rings))
	}
}

// What an old kernel or a container refuses costs speed and nothing else.
func TestWithoutMembarrierAndWaitv(t *testing.T) {
	if os.Getenv("SHMKIT_TEST_DENY") != "" {
		t.Skip("this run is refused them already")
	}
	if race.Enabled {
		t.Skip("the run without the detector does this: there a publication is a plain store")
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	const tests = "Denied|Items|Messages|InPlace|Context|Notify|CloseEnds|ConsumersChange|Storm|Stopped|Truncated/.*/bare|" +
		"KillAnywhere/.*/(put|get).*asleep=true|KillDuringTakeover/consumer/dead"
	args := []string{"-test.short", "-test.timeout=60s", "-test.v", "-test.run=" + tests}
	cmd := exec.Command(exe, args...)
	cmd.Env = append(os.Environ(), "SHMKIT_TEST_DENY=1", "SHMKIT_KILLS=")
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("--- PASS: TestDenied")) {
		t.Fatalf("%v\n%s", err, out)
	}
}

// In such a run the two really are missing.
func TestDenied(t *testing.T) {
	if os.Getenv("SHMKIT_TEST_DENY") == "" {
		t.Skip("nothing is refused in this run")
	}
	if futex.HaveMany() || fence.Heavy() || fence.PlainStore && fence.Ordered() {
		t.Errorf("futex_waitv %v, membarrier %v, ordered %v", futex.HaveMany(), fence.Heavy(), fence.Ordered())
	}
}

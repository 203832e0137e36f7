package killstep

import (
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/edsrzf/mmap-go"
	"golang.org/x/sys/unix"
)

// The toys: small structures in a shared file, two with the classic faults that a
// kill sweep must find, and one without.

// world is a shared file; each sweep has one and clears it for each victim.
type world struct {
	path string
	mem  mmap.MMap
}

func newWorld(t *testing.T) *world {
	t.Helper()
	f, err := os.CreateTemp(os.Getenv("SHMKIT_DIR"), "toy")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(4096); err != nil {
		t.Fatal(err)
	}
	w := &world{path: f.Name(), mem: mapShared(f)}
	t.Cleanup(func() { w.mem.Unmap(); os.Remove(w.path) })
	return w
}

func mapShared(f *os.File) mmap.MMap {
	m, err := mmap.Map(f, mmap.RDWR, 0)
	if err != nil {
		panic(err)
	}
	return m
}

// enter maps the world of args[0] in a victim.
func enter(args []string) unsafe.Pointer {
	f, err := os.OpenFile(args[0], os.O_RDWR, 0)
	if err != nil {
		panic(err)
	}
	return unsafe.Pointer(&mapShared(f)[0])
}

func (w *world) at() unsafe.Pointer { return unsafe.Pointer(&w.mem[0]) }
func (w *world) now() []byte        { return w.mem }
func (w *world) clear() []string    { clear(w.mem); return nil }

// mutex is a futex mutex as in the textbooks: 0 free, 1 held, 2 held and somebody
// sleeps. Who dies holding it, or between the store in unlock and the wake, leaves
// the others asleep for ever.
type mutex struct {
	word atomic.Uint32
	n    atomic.Uint32 // what it guards
}

func (m *mutex) lock(d time.Duration) bool {
	if m.word.CompareAndSwap(0, 1) {
		return true
	}
	for end := time.Now().Add(d); m.word.Swap(2) != 0; {
		ts := unix.NsecToTimespec(int64(max(time.Until(end), 1)))
		syscall.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(&m.word)), 0, 2, uintptr(unsafe.Pointer(&ts)), 0, 0)
		if time.Now().After(end) {
			return false // without another look: a sleeper that nobody woke
		}
	}
	return true
}

//go:noinline
func (m *mutex) unlock() {
	if m.word.Swap(0) == 2 {
		syscall.RawSyscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(&m.word)), 1, 1, 0, 0, 0)
	}
}

// vyukov is D. Vyukov's bounded queue: a producer claims a position by moving the
// shared tail and names itself nowhere. One that dies before it publishes stalls
// every consumer.
type vyukov struct {
	tail, head atomic.Uint64
	cell       [8]struct{ seq, item atomic.Uint64 }
}

func (q *vyukov) init() {
	for i := range q.cell {
		q.cell[i].seq.Store(uint64(i))
	}
}

//go:noinline
func (q *vyukov) put(v uint64) bool {
	for {
		pos := q.tail.Load()
		c := &q.cell[pos%8]
		switch d := int64(c.seq.Load() - pos); {
		case d < 0:
			return false
		case d == 0 && q.tail.CompareAndSwap(pos, pos+1):
			c.item.Store(v)
			c.seq.Store(pos + 1)
			return true
		}
	}
}

func (q *vyukov) get() (uint64, bool) {
	for {
		pos := q.head.Load()
		c := &q.cell[pos%8]
		switch d := int64(c.seq.Load() - (pos + 1)); {
		case d < 0:
			return 0, false
		case d == 0 && q.head.CompareAndSwap(pos, pos+1):
			v := c.item.Load()
			c.seq.Store(pos + 8)
			return v, true
		}
	}
}

// cells is the sound counterpart: one compare-and-swap both claims a cell and says
// who did, so that a dead owner can be found and its cell be skipped. Its word is
// free (0), owner<<1, or the published item<<1|1.
type cells struct {
	cell [4]atomic.Uint64
	item [4]atomic.Uint64
}

func (c *cells) put(me, v uint64) bool {
	for i := range c.cell {
		if c.cell[i].CompareAndSwap(0, me<<1) {
			c.item[i].Store(v)
			return c.cell[i].CompareAndSwap(me<<1, v<<1|1)
		}
	}
	return false
}

// get takes the first item, and clears the claims of those who are dead.
func (c *cells) get(dead func(owner uint64) bool) (uint64, bool) {
	for i := range c.cell {
		w := c.cell[i].Load()
		switch {
		case w&1 == 1:
			v := c.item[i].Load()
			if c.cell[i].CompareAndSwap(w, 0) {
				return v, true
			}
		case w != 0 && dead(w>>1):
			c.cell[i].CompareAndSwap(w, 0)
		}
	}
	return 0, false
}

// announce writes who the victim is into the world, for urge.
func announce(args []string) {
	p := (*[2]atomic.Uint32)(enter(args))
	runtime.LockOSThread() // Begin will find us on this thread
	p[0].Store(uint32(os.Getpid()))
	p[1].Store(uint32(unix.Gettid()))
}

// urge sends what the runtime sends to preempt a goroutine.
func (w *world) urge() {
	p := (*[2]atomic.Uint32)(w.at())
	unix.Tgkill(int(p[0].Load()), int(p[1].Load()), unix.SIGURG)
}

// unreadable is memory that faults.
func unreadable() []byte {
	b, err := unix.Mmap(-1, 0, 4096, unix.PROT_NONE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		panic(err)
	}
	return b
}

// words maps the world of args[0] as words.
func words(args []string) *[4]atomic.Uint64 { return (*[4]atomic.Uint64)(enter(args)) }

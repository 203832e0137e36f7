package sem_test

import (
	"encoding"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/shmkit/shmkit/internal/owner"
	"github.com/shmkit/shmkit/internal/park"
	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/sem"
	"github.com/shmkit/shmkit/shm"
)

// The bits of a lock word, as docs/layout.md has them.
const (
	bitA = 1 << iota
	bitW
	bitH
	ownerAt = iota
)

// short is the slice of all processes of a test that kills: a death is noticed one slice later.
const short = 5 * time.Millisecond

// soon is how long a survivor may have to wait on a machine that has time for it. A test of many deaths
// tolerates some that take longer (the machine may be busy), but none that takes ever.
const (
	soon = 100 * time.Millisecond
	ever = 10 * time.Second
)

// lab is the memory that the processes of a test share.
type lab struct {
	Mu    sem.Mutex
	Sem   sem.Semaphore
	_     [56]byte
	Stage atomic.Uint32 // what a test's processes tell each other
	Stop  atomic.Uint32
	In    atomic.Int64    // who is inside, against two at once
	N     [3]atomic.Int64 // guarded by Mu, equal whenever it is free and not Abandoned
	Done  [8]atomic.Int64 // rounds of each process
	Slow  atomic.Int64
}

// newLab makes a lab, and its handle for other processes.
func newLab(t testing.TB) (*lab, string) { return common[lab](t) }

// common makes a T that the processes of a test share, and its handle for the others. The slice is short.
func common[T any](t testing.TB) (*T, string) {
	t.Helper()
	slice(t, short)
	v, err := shm.New[T]()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	})
	return v.Ptr(), text(t, v)
}

func text(t testing.TB, v encoding.TextMarshaler) string {
	t.Helper()
	b, err := v.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// slice sets the slice of this process until the end of the test.
func slice(t testing.TB, d time.Duration) {
	old := park.Slice()
	park.SetSlice(d)
	t.Cleanup(func() { park.SetSlice(old) })
}

// enter opens the lab of args[0] in another process, which lives as long as the process.
func enter(args []string) *lab { return enterVar(args).Ptr() }

func enterVar(args []string) *shm.Var[lab] {
	park.SetSlice(short)
	v := new(shm.Var[lab])
	if err := v.UnmarshalText([]byte(args[0])); err != nil {
		panic(err)
	}
	return v
}

// helper registers a function that does something in the lab.
func helper(name string, f func(l *lab, args []string)) bool {
	return proctest.Register(name, func(args []string) int { f(enter(args), args[1:]); return 0 })
}

func (l *lab) mu() *uint32  { return (*uint32)(unsafe.Pointer(&l.Mu)) }
func (l *lab) sem() *uint32 { return (*uint32)(unsafe.Pointer(&l.Sem)) }

func (l *lab) muWord() uint32      { return atomic.LoadUint32(l.mu()) }
func (l *lab) semWord() uint32     { return atomic.LoadUint32(l.sem()) }
func (l *lab) setMu(w uint32)      { atomic.StoreUint32(l.mu(), w) }
func (l *lab) setSem(w uint32)     { atomic.StoreUint32(l.sem(), w) }
func (l *lab) waited() bool        { return l.muWord()&bitW != 0 }
func (l *lab) holder() uint32      { return l.muWord() >> ownerAt }
func (l *lab) heldByOther() bool   { h := l.holder(); return h != 0 && h != owner.ID() }
func (l *lab) words() []byte       { return unsafe.Slice((*byte)(unsafe.Pointer(l)), 8) }
func (l *lab) stage(n uint32)      { l.Stage.Store(n) }
func (l *lab) reset(mu, sm uint32) { l.setMu(mu); l.setSem(sm); l.Stage.Store(0) }

// waitedFor reports whether somebody has announced himself at s.
func waitedFor(s *sem.Semaphore) bool { return atomic.LoadUint32((*uint32)(unsafe.Pointer(s)))&1 != 0 }

// until polls; whoever would wait for ever is ended with its test.
func until(ok func() bool) bool {
	for end := time.Now().Add(ever); !ok(); time.Sleep(50 * time.Microsecond) {
		if time.Now().After(end) {
			return false
		}
	}
	return true
}

// warm makes this process learn not to spin for the words of l, so that a region that is stepped is short.
func warm(l *lab) {
	for _, p := range []unsafe.Pointer{unsafe.Pointer(&l.Mu), unsafe.Pointer(&l.Sem)} {
		m := twin(p)
		m.Lock()
		for range 8 {
			m.LockContext(ended())
		}
	}
}

// twin is a mutex that shares what the process knows about spinning with the word at p.
func twin(p unsafe.Pointer) *sem.Mutex {
	site := func(p unsafe.Pointer) uint64 { return uint64(uintptr(p)>>2) * 0x9e3779b97f4a7c15 >> 56 }
	for ms := make([]sem.Mutex, 1<<16); ; ms = ms[1:] {
		if site(unsafe.Pointer(&ms[0])) == site(p) {
			return &ms[0]
		}
	}
}

// ghost is the word of a mutex whose holder is dead: an id that nobody has.
func ghost() uint32 {
	for {
		if id := 1 + rand.Uint32N(owner.Mask); id != owner.ID() {
			return id << ownerAt
		}
	}
}

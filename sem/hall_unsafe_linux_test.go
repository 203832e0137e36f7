package sem_test

import (
	"context"
	"strconv"
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

// hall is the memory that the processes of a test of Barrier and WaitGroup share.
type hall struct {
	B     sem.Barrier
	G     sem.WaitGroup
	Stage atomic.Uint32 // what a test's processes tell each other
	Stop  atomic.Uint32
	Acts  atomic.Int64 // actions that ran
	Seen  atomic.Int64 // the numbers given out in a round, as bits
	Turn  atomic.Int64
	In    [8]atomic.Int64
}

func newHall(t testing.TB, parties int) (*hall, string) {
	t.Helper()
	h, text := common[hall](t)
	h.B.Init(parties)
	return h, text
}

func enterHall(args []string, slice time.Duration) *hall {
	park.SetSlice(slice)
	v := new(shm.Var[hall])
	if err := v.UnmarshalText([]byte(args[0])); err != nil {
		panic(err)
	}
	return v.Ptr()
}

// guest registers a function that does something in the hall.
func guest(name string, f func(h *hall, args []string)) bool {
	return proctest.Register(name, func(args []string) int { f(enterHall(args, short), args[1:]); return 0 })
}

// The words of a Barrier and of a WaitGroup, as docs/layout.md has them.
const (
	placesAt = 64
	insideAt = 16
)

func (h *hall) state() *uint64      { return (*uint64)(unsafe.Pointer(&h.B)) }
func (h *hall) count() *uint64      { return (*uint64)(unsafe.Pointer(&h.G)) }
func (h *hall) place(i int) *uint64 { return h.at(unsafe.Pointer(&h.B), placesAt+8*i) }
func (h *hall) claim(i int) *uint64 { return h.at(unsafe.Pointer(&h.G), insideAt+8*i) }

func (h *hall) at(p unsafe.Pointer, off int) *uint64 { return (*uint64)(unsafe.Add(p, off)) }

func (h *hall) parties(n uint32) {
	atomic.StoreUint32((*uint32)(unsafe.Add(unsafe.Pointer(&h.B), 8)), n)
}

// room and over are the bells of both.
func (h *hall) room() *uint32 { return (*uint32)(unsafe.Add(unsafe.Pointer(&h.B), 12)) }
func (h *hall) over() *uint32 { return (*uint32)(unsafe.Add(unsafe.Pointer(&h.G), 8)) }
func (h *hall) door() *uint32 { return (*uint32)(unsafe.Add(unsafe.Pointer(&h.G), 12)) }

// announced reports whether somebody may sleep in a round; longing, whether in WaitGroup.Wait.
func (h *hall) announced() bool { return atomic.LoadUint64(h.state())&4 != 0 }
func (h *hall) longing() bool   { return atomic.LoadUint32(h.over())&1 != 0 }

func (h *hall) words() []byte { return unsafe.Slice((*byte)(unsafe.Pointer(&h.B)), placesAt+4*8) }
func (h *hall) group() []byte { return unsafe.Slice((*byte)(unsafe.Pointer(&h.G)), insideAt+64*8) }

// clean makes both as new.
func (h *hall) clean() {
	n := uint32(h.B.Parties())
	for _, b := range [][]byte{h.words(), h.group()} {
		clear(b)
	}
	h.parties(n)
	h.Stage.Store(0)
	h.Acts.Store(0)
}

// strangers is the number of places that other processes have.
func (h *hall) strangers() (n int) {
	for i := range h.B.Parties() {
		if id := uint32(atomic.LoadUint64(h.place(i))) >> ownerAt; id != 0 && id != owner.ID() {
			n++
		}
	}
	return n
}

// insiders is the number of claims of other processes.
func (h *hall) insiders() (n int) {
	for i := range 64 {
		if id := uint32(atomic.LoadUint64(h.claim(i))) >> ownerAt; id != 0 && id != owner.ID() {
			n++
		}
	}
	return n
}

// warmHall makes this process learn not to spin in h.
func warmHall(h *hall) {
	for _, p := range []unsafe.Pointer{unsafe.Pointer(&h.B), unsafe.Pointer(&h.G)} {
		m := twin(p)
		m.Lock()
		for range 8 {
			m.LockContext(ended())
		}
	}
}

// lives is a context that ends only who hangs.
func lives() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), ever*3/4)
}

// carried makes another goroutine of this process, which waits for something else, carry the slice: then
// nothing but Stale tells the others to look.
func carried(t testing.TB) {
	s := new(sem.Semaphore)
	ctx, cancel := context.WithCancel(context.Background())
	gone := make(chan error)
	go func() { gone <- s.Acquire(ctx) }()
	until(func() bool { return waitedFor(s) })
	t.Cleanup(func() { cancel(); <-gone })
}

// party is one goroutine that waits in the barrier; its error.
func party(h *hall) chan error {
	got := make(chan error, 1)
	go func() {
		ctx, cancel := lives()
		defer cancel()
		_, err := h.B.Wait(ctx, h.act)
		got <- err
	}()
	return got
}

// act is the action of those who count actions.
func (h *hall) act() error { h.Acts.Add(1); return nil }

func number64(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		panic(err)
	}
	return n
}

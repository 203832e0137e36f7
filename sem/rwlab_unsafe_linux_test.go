package sem_test

import (
	"context"
	"errors"
	"fmt"
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

// rwlab is the memory that the processes of a test share.
type rwlab struct {
	RW    sem.RWMutex
	Bo    sem.BoundedSemaphore
	_     [56]byte
	Stage atomic.Uint32
	Stop  atomic.Uint32
	In    atomic.Int64    // writers inside, or holders of permits
	N     [2]atomic.Int64 // guarded by RW, equal whenever it is free and not Abandoned
	Done  [16]atomic.Int64
	Mends atomic.Int64
}

func newRWLab(t testing.TB) (*rwlab, string) { return common[rwlab](t) }

// enterRW opens the lab of args[0] in another process, which lives as long as the process.
func enterRW(args []string) *rwlab {
	park.SetSlice(short)
	v := new(shm.Var[rwlab])
	if err := v.UnmarshalText([]byte(args[0])); err != nil {
		panic(err)
	}
	return v.Ptr()
}

func (l *rwlab) at(off uintptr) unsafe.Pointer { return unsafe.Add(unsafe.Pointer(l), off) }

// The words of an RWMutex and a BoundedSemaphore, as docs/layout.md has them.
func (l *rwlab) word() *uint32       { return (*uint32)(l.at(0)) }
func (l *rwlab) drain() *uint32      { return (*uint32)(l.at(4)) }
func (l *rwlab) place(i int) *uint64 { return (*uint64)(l.at(128 + 128*uintptr(i))) }
func (l *rwlab) permits() *uint32    { return (*uint32)(l.at(unsafe.Offsetof(l.Bo))) }
func (l *rwlab) bell() *uint32       { return (*uint32)(l.at(unsafe.Offsetof(l.Bo) + 4)) }
func (l *rwlab) permit(i int) *uint64 {
	return (*uint64)(l.at(unsafe.Offsetof(l.Bo) + 8 + 8*uintptr(i)))
}
func (l *rwlab) words() []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(l)), unsafe.Offsetof(l.Bo)+unsafe.Sizeof(l.Bo))
}

const rwPlaces = 8

// claim is a cell of a process.
func claim(word uint32, note uint32) uint64 { return uint64(note)<<32 | uint64(word) }

func (l *rwlab) writer() uint32       { return atomic.LoadUint32(l.word()) >> ownerAt }
func (l *rwlab) written() bool        { return l.writer() != 0 && l.writer() != owner.ID() }
func (l *rwlab) writerWaited() bool   { return atomic.LoadUint32(l.word())&bitW != 0 }
func (l *rwlab) drainWaited() bool    { return atomic.LoadUint32(l.drain())&1 != 0 }
func (l *rwlab) permitWaited() bool   { return atomic.LoadUint32(l.bell())&1 != 0 }
func (l *rwlab) fill(v uint64, n int) { l.each(n, func(i int) { atomic.StoreUint64(l.place(i), v) }) }
func (l *rwlab) each(n int, f func(i int)) {
	for i := range n {
		f(i)
	}
}

// readers is the number of read locks of a process, or of all.
func (l *rwlab) readers(id uint32) (n int) {
	for i := range rwPlaces {
		if v := atomic.LoadUint64(l.place(i)); id == 0 || uint32(v)>>ownerAt == id {
			n += int(v >> 32)
		}
	}
	return n
}

// taken is the number of permits of a process, or of all.
func (l *rwlab) taken(id uint32) (n int) {
	for i := range l.Bo.Cap() {
		if o := uint32(atomic.LoadUint64(l.permit(i))) >> ownerAt; o != 0 && (id == 0 || o == id) {
			n++
		}
	}
	return n
}

// reset gives the lab a writer's word, and n permits.
func (l *rwlab) reset(word uint32, n int) {
	clear(l.words())
	atomic.StoreUint32(l.word(), word)
	if n > 0 {
		l.Bo.Init(n)
	}
	l.Stage.Store(0)
	l.In.Store(0)
}

// warm makes this process learn not to spin for the words of l.
func (l *rwlab) warm() {
	ps := []unsafe.Pointer{unsafe.Pointer(l.word()), unsafe.Pointer(l.drain()), unsafe.Pointer(&l.Bo)}
	for i := range rwPlaces {
		ps = append(ps, unsafe.Pointer(l.place(i)))
	}
	for _, p := range ps {
		m := twin(p)
		m.Lock()
		for range 8 {
			m.LockContext(ended())
		}
	}
	time.Sleep(2 * time.Millisecond) // until it may ask again whether a holder lives
}

// rwHelper registers a function that does something in the lab.
func rwHelper(name string, f func(l *rwlab, args []string)) bool {
	return proctest.Register(name, func(args []string) int { f(enterRW(args), args[1:]); return 0 })
}

// gain waits as a survivor does, and notes how long that took.
func (p *pace) gain(what string, wait func(context.Context) error) error {
	start := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), ever)
	defer cancel()
	err := wait(ctx)
	p.took(time.Since(start))
	if err != nil {
		return fmt.Errorf("no survivor gets to %s: %w", what, err)
	}
	return nil
}

// surviveRW is what everybody expects after a death: readers and writers come in, Abandoned says whether a
// writer died, and once it is repaired all is as before.
func (p *pace) surviveRW(l *rwlab, readFirst bool) error {
	w := atomic.LoadUint32(l.word())
	wait, leave := l.RW.LockContext, l.RW.Unlock
	if readFirst {
		wait, leave = l.RW.RLockContext, l.RW.RUnlock
	}
	err := p.gain("go inside", wait)
	if err != nil {
		return fmt.Errorf("word %#x: %w", w, err)
	}
	is, was := l.RW.Abandoned(), w>>ownerAt != 0 || w&bitA != 0
	leave()
	if is != was {
		return fmt.Errorf("word %#x: abandoned %v", w, is)
	}
	if err := p.gain("write", l.RW.LockContext); err != nil {
		return err
	}
	return l.normal()
}

// normal is given the lock held for writing, and sees that it works as if nothing had happened.
func (l *rwlab) normal() error {
	n := l.readers(0)
	l.RW.Repaired()
	l.RW.Unlock()
	switch {
	case n != 0:
		return fmt.Errorf("a writer beside %d readers", n)
	case !l.RW.TryRLock():
		return errors.New("TryRLock fails on a free lock")
	}
	l.RW.RUnlock()
	if !l.RW.TryLock() {
		return errors.New("TryLock fails on a free lock")
	}
	defer l.RW.Unlock()
	if l.RW.Abandoned() {
		return errors.New("abandoned after Repaired")
	}
	return nil
}

// surviveBo is what everybody expects after a death: all permits come back.
func (p *pace) surviveBo(l *rwlab) error {
	n := l.Bo.Cap()
	for i := range n {
		if err := p.gain(fmt.Sprintf("permit %d of %d", i, n), l.Bo.Acquire); err != nil {
			return err
		}
	}
	if l.Bo.TryAcquire() {
		return fmt.Errorf("more than %d permits", n)
	}
	for range n {
		if err := l.Bo.Release(); err != nil {
			return err
		}
	}
	if v := l.Bo.Value(); v != n {
		return fmt.Errorf("%d permits, and nobody has the others of %d", v, n)
	}
	return nil
}

// respectRW is what everybody owes to holders that stand still.
func respectRW(l *rwlab) error {
	refuse := func(what string, wait func(context.Context) error, try func() bool) error {
		ctx, cancel := context.WithTimeout(context.Background(), 3*short)
		defer cancel()
		if err := wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("a holder that stands still was robbed by a %s: %v", what, err)
		}
		if try() {
			return fmt.Errorf("a holder that stands still was robbed by a %s's Try", what)
		}
		return nil
	}
	if err := refuse("writer", l.RW.LockContext, l.RW.TryLock); err != nil || l.writer() == 0 {
		return err
	}
	return refuse("reader", l.RW.RLockContext, l.RW.TryRLock)
}

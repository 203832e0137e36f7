package ringbuf

import (
	"fmt"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/segment"
	"github.com/shmkit/shmkit/shm"
)

// MPMC is a ring with any number of producers and consumers, in any number of processes. T is plain data of one
// size, without locks or atomics, and the capacity is exact; or []byte: see Messages below. The zero MPMC is a closed handle, which
// UnmarshalText opens. All methods may be called from any goroutine; one that wants a position of its own, and
// shares no cache line with others of its process, takes a Clone.
//
// # Order
//
// Items are taken in the order in which their places were claimed: first in, first out, also for items of
// different processes. A put claims, writes, commits: a producer that is stopped (a debugger, SIGSTOP) between
// claim and commit therefore delays what is behind it until it goes on or dies; without that, either the order
// or the promise that nobody alive is taken for dead would have to go. One that is stopped as it reads in
// place (Take) delays the put that wants its slot again, one lap later.
//
// ErrEmpty says that at one moment during the call the oldest item not yet taken was not committed: its place was
// unclaimed, or its put was under way. ErrFull says that at one moment the place of the next put was still
// taken by the item of one lap before. After Shutdown, io.EOF says that every item that was ever committed has been
// taken; no put succeeds after that, nor was any under way.
//
// # Death
//
// A producer that dies before it commits has put nothing: its place is skipped, and counted. An item that was
// copied out (Get) is gone with the process that took it. An item in place (Take) whose process dies before
// Release is delivered once more, to whoever next finds the ring empty or waits: at most a lap late, out of
// order, marked (Taken.Redelivered; Get counts it in Stats), and perhaps after the dead one had done its work.
// If all that is left after io.EOF is in place with a consumer that dies later, another Get returns it.
//
// # Messages
//
// A ring of []byte carries messages of any length, from 0 to MaxMessage bytes; a longer one is ErrTooLarge. Up to 112 bytes lie
// in the slot itself. A longer message lies in a block of the ring's memory. There are as many of the largest blocks as Cap has room
// for, twice as many of a quarter of their size, and so on; so the ring holds Cap bytes of the longest messages, or
// twice as many messages and more, but fewer bytes, for each quarter of the length. A message takes a larger block when its own kind is
// used up. A ring takes between two and four times Cap of memory, most for a MaxMessage of a few hundred bytes; and
// never more than when it was made.
//
// Get returns a copy in new memory. [GetBytes], and GetBatch with a dst of slices that are long enough, use yours and
// allocate nothing. In place, without a copy: [ReserveSlot] and [TakeBytes] take the place of Reserve and Take, which are for items
// and fail. ErrFull also says that each block that is large enough was in use when the call looked at it. A consumer that dies while Get
// copies a message out of a block has not taken it: it is delivered once more, as one in place.
//
// # Memory order
//
// A put of an item synchronizes before the get that returns it; a get, or Release, of a place before the put that
// uses it again; Shutdown before the get that returns io.EOF.
//
// The queue is Vyukov's bounded one without its two counters: a claim and whose it is are one word of the slot, so
// that there is no instruction at which a place belongs to nobody.
type MPMC[T any] struct {
	mu sync.Mutex // one Close, Clone or UnmarshalText at a time
	at atomic.Pointer[stand[T]]
}

// NewMPMC makes a ring without a name, gone with its last user. The capacity counts items; zero is 1024.
func NewMPMC[T any](capacity int) (*MPMC[T], error) { return MPMCConfig[T]{Cap: capacity}.New() }

// OpenMPMC opens the ring of that name, which must exist (fs.ErrNotExist).
func OpenMPMC[T any](name string) (*MPMC[T], error) { return MPMCConfig[T]{}.Open(name) }

// OpenOrCreateMPMC opens the ring of that name, or makes it. A capacity that is not zero must agree with what is
// there (*shm.MismatchError).
func OpenOrCreateMPMC[T any](name string, capacity int) (*MPMC[T], error) {
	return MPMCConfig[T]{Cap: capacity}.OpenOrCreate(name)
}

// MPMCConfig is the configuration of an MPMC ring. The zero value is good.
type MPMCConfig[T any] struct {
	Cap int // items; 0: 1024. At most 2^31. Of []byte bytes, 0: 64 KiB; see MPMC

	// MaxMessage is the longest message of a ring of []byte, in bytes; 0: an eighth of Cap, or Cap if that is less than 112. Cap holds one
	// such message at least.
	MaxMessage int

	Mem shm.Mem // memory knobs
}

// New makes a ring without a name, gone with its last user.
func (c MPMCConfig[T]) New() (*MPMC[T], error) {
	return c.make(func(s segment.Spec) (*segment.Segment, error) { return segment.New(s, segment.Mem(c.Mem)) })
}

// Create makes a ring of that name, which must be free (fs.ErrExist).
func (c MPMCConfig[T]) Create(name string) (*MPMC[T], error) {
	return c.make(func(s segment.Spec) (*segment.Segment, error) {
		return segment.Create(name, s, segment.Mem(c.Mem))
	})
}

// Open opens the ring of that name, which must exist (fs.ErrNotExist).
func (c MPMCConfig[T]) Open(name string) (*MPMC[T], error) {
	return c.make(func(s segment.Spec) (*segment.Segment, error) { return segment.Open(name, s, segment.Mem(c.Mem)) })
}

// OpenOrCreate opens the ring of that name, or makes it.
func (c MPMCConfig[T]) OpenOrCreate(name string) (*MPMC[T], error) {
	return c.make(func(s segment.Spec) (*segment.Segment, error) {
		return segment.OpenOrCreate(name, s, segment.Mem(c.Mem))
	})
}

func (c MPMCConfig[T]) make(open func(segment.Spec) (*segment.Segment, error)) (*MPMC[T], error) {
	sp, err := crowdSpec[T](c.Cap, c.MaxMessage)
	if err != nil {
		return nil, err
	}
	s, err := open(sp)
	if err != nil {
		return nil, err
	}
	return newMPMC[T](openCrowd(s))
}

// newMPMC owns r.seg.
func newMPMC[T any](r *crowd) (*MPMC[T], error) {
	m := &MPMC[T]{}
	return m, m.sit(r)
}

// sit opens the handle: the first look at the ring's memory.
func (m *MPMC[T]) sit(r *crowd) error {
	var p *stand[T]
	err := r.protect(func() error { p = newStand[T](r); return nil })
	if err == nil {
		m.at.Store(p)
	} else if r.seg != nil && r.seats.Load() == 0 {
		_ = r.seg.Close()
	}
	return err
}

// Clone returns another handle on the same ring, with a position of its own, for a goroutine that is not to share
// one. It is closed by itself. The clone of a closed handle is closed.
func (m *MPMC[T]) Clone() *MPMC[T] {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := &MPMC[T]{}
	if p := m.at.Load(); p != nil {
		_ = c.sit(p.r) // its memory gone: a closed handle
	}
	return c
}

// open returns what an open handle has, or os.ErrClosed.
func (m *MPMC[T]) open() (*stand[T], error) {
	if p := m.at.Load(); p != nil {
		return p, nil
	}
	return nil, os.ErrClosed
}

// Shutdown ends the stream for ever, for all: Put is io.ErrClosedPipe from now on, and Get is io.EOF once the ring is
// drained. Puts that are under way either fail or are drained too.
func (m *MPMC[T]) Shutdown() error {
	p, err := m.open()
	if err != nil {
		return err
	}
	return p.shutdown()
}

// shutdown is Shutdown. Killed behind the mark: who waits loads it at the next slice.
func (p *stand[T]) shutdown() error {
	return p.enter(func() error {
		cellRelease(&p.r.ctl.Start)
		atomic.StoreUint32(p.r.shutWord(), 1)
		p.r.notFull().Rouse() // before the consumers, of whom one may come to wait there for a place that is still read
		p.r.wakeProducers()
		p.r.notEmpty().Rouse()
		return nil
	})
}

// Cap is the capacity that the ring was made with. Zero once closed.
func (m *MPMC[T]) Cap() int {
	p, err := m.open()
	if err != nil {
		return 0
	}
	return int(p.r.capacity())
}

// Name returns the ring's name, or an empty string if it has none.
func (m *MPMC[T]) Name() string {
	p, err := m.open()
	if err != nil {
		return ""
	}
	return p.r.seg.Name()
}

// MarshalText returns the handle as text, for another process to open.
func (m *MPMC[T]) MarshalText() ([]byte, error) {
	p, err := m.open()
	if err != nil {
		return nil, err
	}
	return p.r.seg.Text()
}

// UnmarshalText opens the ring that a handle text stands for. The handle must be zero or closed.
func (m *MPMC[T]) UnmarshalText(text []byte) error {
	sp, err := crowdSpec[T](0, 0)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if p := m.at.Load(); p != nil {
		return fmt.Errorf("ringbuf: unmarshal into a handle that is open on %s: close it first: %w", p.r.label(), fs.ErrInvalid)
	}
	s, err := segment.FromText(text, sp)
	if err != nil {
		return err
	}
	return m.sit(openCrowd(s))
}

// Unlink removes the ring's name. Users keep the ring.
func (m *MPMC[T]) Unlink() error {
	p, err := m.open()
	if err != nil {
		return err
	}
	return p.r.seg.Unlink()
}

// Notify joins the ring to a Go select: until stop is called, or the handle is closed, ch receives a token, sent as
// signal.Notify does, when there may be something to take: an item, or the end of the stream. Drain the ring until
// ErrEmpty then.
func (m *MPMC[T]) Notify(ch chan<- struct{}) (stop func()) {
	p, err := m.open()
	if err != nil {
		return func() {}
	}
	return p.notify(ch)
}

// Close closes the handle, ending calls that wait in it with os.ErrClosed, and waits until they have left; from any
// goroutine, also while others call. It ends Notify. The ring goes on: services close, only a finite stream
// is shut down. Commit or Abort, and Release, before it: a place that is still in hand keeps its slot until the
// process ends.
//
// Another goroutine may still be on its way out of a call that does not wait. So the memory stays mapped until the
// collector has found that there is none; when much has gathered Close runs it.
func (m *MPMC[T]) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.at.Swap(nil)
	if p == nil {
		return os.ErrClosed
	}
	p.close()
	lingerStand(p, p.r.size())
	return nil
}

// MPMCStats are a ring's counters since it was made, over all that use it, and its state at about this moment.
type MPMCStats struct {
	Put, Got    uint64 // items committed, and taken; an item that is delivered once more was got once
	Skipped     uint64 // places that held nothing: of producers that died, and of aborted slots
	Redelivered uint64 // items taken over from dead consumers

	PutWaits, GetWaits uint64 // how often a call found the ring full, or empty
	PutParks, GetParks uint64 // how often it slept for that
	PutWakes, GetWakes uint64 // how often a put woke a consumer, a get a producer

	Writing, Reading int    // places that are being put to, or reserved; and read in place
	Writer, Reader   uint32 // who has the oldest of them, or zero; see `shmkit show` for who lives
}

// Stats reads the counters, each by itself, and every slot: about 5 ns a slot, so 5 ms of a ring of a million, and it takes the lines that
// others are busy with. It is for a look now and then, not for each item. Skipped and Redelivered may lack what somebody healed
// who was killed at that moment. Zeros once closed, or when the memory is gone.
func (m *MPMC[T]) Stats() (s MPMCStats) {
	p, err := m.open()
	if err != nil {
		return s
	}
	_ = p.enter(func() error { s, _ = p.r.census(); return nil })
	return s
}

// Len is the number of items in the ring at about this moment: committed, and not taken. There is no counter of them, which all
// would write to: each slot is looked at, at the cost of Stats. To find out whether there is anything, TryGet is cheaper.
// Zero once closed, or when the memory is gone.
func (m *MPMC[T]) Len() (n int) {
	p, err := m.open()
	if err != nil {
		return 0
	}
	_ = p.enter(func() error { _, n = p.r.census(); return nil })
	return n
}

// census counts what the slots say. There are no other counters of what was put and got.
func (r *crowd) census() (s MPMCStats, ready int) {
	start := atomic.LoadUint64(&r.ctl.Start)
	released := atomic.LoadUint64(&r.ctl.Released)
	var puts, gets uint64
	for i := range r.cap {
		x := start&^r.mask + i
		w := atomic.LoadUint64(r.word(x))
		laps, _ := r.ahead(w, x, released)
		puts, gets = puts+uint64(laps), gets+uint64(laps)
		switch stateOf(w) {
		case abi.SlotWriting:
			s.Writing++
			s.Writer = holderOf(w)
		case abi.SlotReady:
			ready++
			puts++
		case abi.SlotReading:
			s.Reading++
			s.Reader = holderOf(w)
			puts, gets = puts+1, gets+1
		}
	}
	p, g := &r.ctl.Puts, &r.ctl.Gets
	s.Skipped, s.Redelivered = atomic.LoadUint64(&p.Healed), atomic.LoadUint64(&g.Healed)
	s.Put, s.Got = puts-s.Skipped, gets-s.Skipped
	s.PutWaits, s.GetWaits = atomic.LoadUint64(&p.Waits), atomic.LoadUint64(&g.Waits)
	s.PutParks, s.GetParks = atomic.LoadUint64(&p.Parks), atomic.LoadUint64(&g.Parks)
	s.PutWakes, s.GetWakes = atomic.LoadUint64(&p.Wakes), atomic.LoadUint64(&g.Wakes)
	return s, ready
}

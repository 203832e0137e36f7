package ringbuf

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/fence"
	"github.com/shmkit/shmkit/internal/prefetch"
	"github.com/shmkit/shmkit/internal/race"
)

// mail is what a handle on a ring of messages has besides its seat. Short messages are items of one size: they lie in the slot, and
// go through it as items do. What is different with long ones is in block.go.
type mail struct {
	s     *seat
	k     *stock
	all   []cell[abi.Message]
	fast  []cell[abi.Message] // as stand.fast
	bound uint64              // as track.bound
	gets  *uint32             // as stand.gets
	puts  *uint32
	waits []blockWait // by class
}

func newMail(s *seat, r *crowd, gets, puts *uint32) *mail {
	m := &mail{s: s, k: r.stock, all: cells[abi.Message](r), bound: r.bound(), gets: gets, puts: puts}
	if r.seg == nil || !r.seg.Guarded() {
		m.fast = m.all
	}
	m.waits = make([]blockWait, len(m.k.classes))
	for i := range m.waits {
		m.waits[i].init(m, i)
	}
	return m
}

// putLeap and getLeap are how many slots ahead of its position a put, and a get, fetches. A get that is nearly done takes the last ones
// away from the producer, so it looks less far.
const (
	putLeap = 8
	getLeap = 4
)

func (m *mail) cell(x uint64) *cell[abi.Message] { return &m.all[x&m.s.r.mask] }

// put is Put of a message, or TryPut if ctx is nil.
func (m *mail) put(ctx context.Context, b []byte, wake bool) error {
	defer runtime.KeepAlive(m)
	if !m.putFast(b) {
		return m.s.enter(func() error { return m.putSlow(ctx, b, wake) })
	}
	if wake && atomic.LoadUint32(m.gets) != 0 {
		return m.s.r.protect(func() error { m.s.published(nil); return nil })
	}
	return nil
}

// putFast is stand.putFast. b is copied twice, so that a fault in the caller's memory strikes when nothing is claimed.
func (m *mail) putFast(b []byte) bool {
	if len(b) > abi.InlineSize || uint64(len(b)) > m.k.limit {
		return false
	}
	s := m.s
	t := &s.r.track
	x := atomic.LoadUint64(&s.put)
	i := x & t.mask
	if i >= uint64(len(m.fast)) || x&m.bound == 0 || s.r.shut() {
		return false
	}
	if k := i + putLeap; k < uint64(len(m.fast)) {
		prefetch.Write(&m.fast[k].word, abi.MessageSlot)
	}
	c, free := &m.fast[i], t.free(x)
	if atomic.LoadUint64(&c.word) != free {
		return false
	}
	var v abi.Message
	v.Head = uint64(copy(v.Inline[:], b))
	if !atomic.CompareAndSwapUint64(&c.word, free, t.writing(x)) {
		return false
	}
	if race.Enabled {
		cellAcquire(&c.word)
	}
	c.v = v
	if race.Enabled {
		cellRelease(&c.word)
	}
	fence.Publish(&c.word, t.ready(x))
	fence.Publish(&s.put, t.next(x))
	return true
}

func (m *mail) putSlow(ctx context.Context, b []byte, wake bool) error {
	h := m.s.hunt(ctx)
	if _, _, err := m.reserve(&h, len(b), b); err != nil {
		return err
	}
	word := m.s.r.word(h.pos)
	cellRelease(word)
	fence.Publish(word, m.s.r.ready(h.pos))
	if wake && (h.slept || atomic.LoadUint32(m.gets) != 0) {
		m.s.published(&h)
	}
	return nil
}

// reserve claims a block, if n bytes need one, and a position, and copies b. The position needs only to be
// committed then. It returns the message's place, and 1 + its block, or 0.
func (m *mail) reserve(h *hunt, n int, b []byte) (room []byte, k uint64, err error) {
	if uint64(n) > m.k.limit {
		return nil, 0, fmt.Errorf("ringbuf: %s: a message of %d bytes: it takes %d: %w; make it with a larger MaxMessage",
			m.s.r.label(), n, m.k.limit, ErrTooLarge)
	}
	if n <= abi.InlineSize {
		var v abi.Message
		v.Head = uint64(n)
		copy(v.Inline[:], b)
		if err := m.s.claim(h); err != nil {
			return nil, 0, err
		}
		c := m.cell(h.pos)
		c.v = v
		return c.v.Inline[:n:n], 0, nil
	}
	prefetch.Write(&m.cell(atomic.LoadUint64(&m.s.put)).word, 1) // on its way while the block's word is
	at, err := m.block(h, uint64(n))
	if err != nil {
		return nil, 0, err
	}
	room = m.k.bytes(at, &m.k.classes[m.k.classOf(at)], uint64(n))
	if b == nil {
		m.k.fetch(room)
	} else {
		m.fill(at, room, b)
	}
	if err := m.s.claim(h); err != nil {
		m.give(at, heldWord())
		return nil, 0, err
	}
	m.queue(at, h.pos)
	// A plain store: only who has the position looks at it, and it is whole once the word says Ready.
	m.cell(h.pos).v.Head = uint64(n) | (at+1)<<abi.BlockShift
	return room, at + 1, nil
}

// fill copies a message into block at, which is held. Should the caller's memory fault, and somebody recover, the block is
// given back: its holder lives, so nobody else would.
func (m *mail) fill(at uint64, room, b []byte) {
	filled := false
	defer func() {
		if !filled {
			m.give(at, heldWord())
		}
	}()
	transfer(room, b)
	filled = true
}

// get is Get of a message, into *dst if that is large enough, or TryGet if ctx is nil.
func (m *mail) get(ctx context.Context, dst *[]byte, wake bool) error {
	defer runtime.KeepAlive(m)
	if !m.getFast(dst) {
		return m.s.enter(func() error { return m.getSlow(ctx, dst, wake) })
	}
	if wake && atomic.LoadUint32(m.puts) != 0 {
		return m.s.r.protect(func() error { m.s.vacated(nil); return nil })
	}
	return nil
}

// getFast is stand.getFast, for a message that lies in its slot.
func (m *mail) getFast(dst *[]byte) bool {
	s := m.s
	t := &s.r.track
	x := atomic.LoadUint64(&s.get)
	i := x & t.mask
	if i >= uint64(len(m.fast)) {
		return false
	}
	c, ready := &m.fast[i], t.ready(x)
	if atomic.LoadUint64(&c.word) != ready {
		return false
	}
	if k := i + getLeap; k < uint64(len(m.fast)) {
		prefetch.Write(&m.fast[k].word, abi.MessageSlot)
	}
	var v abi.Message
	peek(&v, c)
	if v.Head > abi.InlineSize || v.Head > m.k.limit {
		return false
	}
	if race.Enabled {
		cellAcquire(&c.word)
		cellRelease(&c.word)
	}
	b := v.Inline[:v.Head]
	there := arrive(*dst, b)
	if !atomic.CompareAndSwapUint64(&c.word, ready, t.freed(x)) {
		return false
	}
	fence.Publish(&s.get, t.next(x))
	land(dst, b, there)
	return true
}

// arrive copies a message from a slot into the caller's memory, if that is large enough, before it is taken: should that memory
// fault, and somebody recover, the message is still in the ring. What was copied in vain is nobody's business.
func arrive(dst, b []byte) bool {
	if dst == nil || cap(dst) < len(b) {
		return false
	}
	copy(dst[:len(b)], b)
	return true
}

// land makes *dst the message, behind the swap that took it: it is there already, or goes to new memory.
func land(dst *[]byte, b []byte, there bool) {
	if there {
		*dst = (*dst)[:len(b)]
		return
	}
	*dst = make([]byte, len(b))
	copy(*dst, b)
}

// keep copies a message to *dst, whose memory it uses if that is large enough.
func keep(dst *[]byte, b []byte) {
	if *dst == nil || cap(*dst) < len(b) {
		*dst = make([]byte, len(b))
	}
	*dst = (*dst)[:len(b)]
	transfer(*dst, b)
}

// getSlow is get where there is more to it than one look. A message in a block is taken in place and copied then: who is
// killed as it copies has not taken it, and it goes to somebody else.
func (m *mail) getSlow(ctx context.Context, dst *[]byte, wake bool) error {
	s := m.s
	h := s.hunt(ctx)
	for {
		if err := s.item(&h); err != nil {
			return err
		}
		if c := m.cell(h.pos); h.again || glance(c) > abi.InlineSize {
			b, k, err := m.claim(&h)
			if err == nil && b != nil {
				m.hand(h.pos, dst, b)
				m.release(h.pos, k, &h, wake)
			}
			if err != nil || b != nil {
				return err
			}
		} else if m.copyOut(&h, c, dst) {
			if wake && (h.slept || atomic.LoadUint32(m.puts) != 0) {
				s.vacated(&h)
			}
			return nil
		}
	}
}

// hand copies the message at x, which is claimed, to the caller. Should the caller's memory fault, and somebody recover, the
// message goes to whoever looks behind, as that of a dead consumer.
func (m *mail) hand(x uint64, dst *[]byte, b []byte) {
	handed := false
	defer func() {
		if r := m.s.r; !handed {
			atomic.CompareAndSwapUint64(r.word(x), r.reading(x), r.held(x, 0, abi.SlotReading))
		}
	}()
	keep(dst, b)
	handed = true
}

// glance is the head of a message that another one may take, and a producer overwrite, at the same time; see peek.
//
//go:norace
func glance(c *cell[abi.Message]) uint64 { return c.v.Head }

// copyOut copies what was found out of its slot, and takes it by the swap after that.
func (m *mail) copyOut(h *hunt, c *cell[abi.Message], dst *[]byte) bool {
	var v abi.Message
	peek(&v, c)
	cellAcquire(&c.word)
	cellRelease(&c.word)
	b := v.Inline[:min(v.Head, abi.InlineSize)]
	there := arrive(*dst, b)
	if !atomic.CompareAndSwapUint64(&c.word, h.word, m.s.r.freed(h.pos)) {
		return false
	}
	m.s.setGet(m.s.r.next(h.pos))
	land(dst, b, there)
	return true
}

// take claims the next message in place. k is 1 + its block, or 0.
func (m *mail) take(h *hunt) (b []byte, k uint64, err error) {
	for b == nil && err == nil {
		if err = m.s.item(h); err == nil {
			b, k, err = m.claim(h)
		}
	}
	return b, k, err
}

// claim claims what was found in place, unless another one is faster: then b is nil. Killed behind it: whoever looks behind takes
// it over.
func (m *mail) claim(h *hunt) (b []byte, k uint64, err error) {
	s := m.s
	word := s.r.word(h.pos)
	if !h.again {
		if !atomic.CompareAndSwapUint64(word, h.word, s.r.reading(h.pos)) {
			return nil, 0, nil
		}
		cellAcquire(word)
		s.setGet(s.r.next(h.pos))
	}
	b, k, err = m.open(h.pos, atomic.LoadUint64(&m.cell(h.pos).v.Head))
	if err != nil {
		m.release(h.pos, 0, h, true) // what it was nobody will ever know
	}
	return b, k, err
}

// open finds the message at position x, whose head a peer may have scribbled over: it is loaded once, and checked. That the
// block is x's is not: its word is on a line that is far away, and nothing depends on it but what the message is.
func (m *mail) open(x, head uint64) (b []byte, k uint64, err error) {
	n, k := head&abi.MessageLen, head>>abi.BlockShift
	if n <= m.k.limit {
		if k == 0 && n <= abi.InlineSize {
			return m.cell(x).v.Inline[:n:n], 0, nil
		}
		if k != 0 && k <= m.k.blocks {
			if c := &m.k.classes[m.k.classOf(k-1)]; n <= c.size {
				prefetch.Write(m.k.word(k-1), 1) // for release
				return m.k.bytes(k-1, c, n), k, nil
			}
		}
	}
	return nil, 0, fmt.Errorf("ringbuf: %s: the message at position %#x is said to have %d bytes in block %d, which cannot be: %w; it is dropped",
		m.s.r.label(), x, n, int64(k)-1, abi.ErrCorrupt)
}

// release hands the slot of x back, and then the block, k as open has it; only the first who does so for x. h is nil
// behind a call that has ended.
func (m *mail) release(x, k uint64, h *hunt, wake bool) {
	r := m.s.r
	word := r.word(x)
	cellRelease(word)
	if !atomic.CompareAndSwapUint64(word, r.reading(x), r.freed(x)) {
		return
	}
	if k != 0 {
		m.give(k-1, queuedWord(x))
	}
	if wake && (h != nil && h.slept || atomic.LoadUint32(m.puts) != 0) {
		m.s.vacated(h)
	}
}

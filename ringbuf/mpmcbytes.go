package ringbuf

import (
	"context"
	"fmt"
	"io/fs"
	"runtime"
	"sync/atomic"

	"github.com/shmkit/shmkit/internal/abi"
)

// MaxMessage is the longest message of a ring of []byte, in bytes, as it was made. Zero of other rings, and once closed.
func (m *MPMC[T]) MaxMessage() int {
	p, err := m.open()
	if err != nil || p.mail == nil {
		return 0
	}
	return int(p.mail.k.limit)
}

// GetBytes is Get into dst: the message lies in dst's memory if its capacity is large enough, else in new one, and what it
// returns is the message. With a dst of the ring's MaxMessage nothing is ever allocated. With an error it
// returns dst, whose memory may have been written to.
//
// Should dst's memory fault (that of a file which is cut short), and the caller recover, the message is not lost: a short one is
// still where it was, one in a block is delivered once more.
func GetBytes(ctx context.Context, m *MPMC[[]byte], dst []byte) ([]byte, error) {
	p, err := m.open()
	if err != nil {
		return dst, err
	}
	err = p.mail.get(ctx, &dst, true)
	runtime.KeepAlive(p)
	return dst, err
}

// BytesSlot is room for one message that its holder may write to, in place. If its process dies before Commit it never
// becomes visible. The zero BytesSlot does nothing.
type BytesSlot struct {
	B    []byte // holds whatever was there; good until Commit or Abort. A peer with write access may change it
	m    *mail
	at   uint64
	k    uint64 // 1 + its block, or 0
	wake bool   // the call that has reserved it took a wake-up
}

// ReserveSlot claims the next place of a ring of messages, with room for size bytes, in place, and waits while there is none,
// until ctx ends. Messages behind it wait until Commit or Abort: do not dawdle. After Shutdown it is io.ErrClosedPipe.
func ReserveSlot(ctx context.Context, m *MPMC[[]byte], size int) (s BytesSlot, err error) {
	p, err := m.open()
	if err != nil {
		return s, err
	}
	if size < 0 {
		return s, fmt.Errorf("ringbuf: ReserveSlot of %d bytes: %w", size, fs.ErrInvalid)
	}
	defer runtime.KeepAlive(p)
	err = p.enter(func() error {
		h := p.hunt(ctx)
		b, k, err := p.mail.reserve(&h, size, nil)
		if err != nil {
			return err
		}
		s = BytesSlot{B: b, m: p.mail, at: h.pos, k: k, wake: h.slept}
		if h.slept { // not at Commit: that may be a while
			p.handRoomOn()
		}
		return nil
	})
	return s, err
}

// Commit puts the message into the ring. A second Commit, or one after Abort, does nothing.
func (s BytesSlot) Commit() {
	if s.m != nil {
		s.end(s.m.s.r.ready(s.at), 0)
	}
}

// Abort gives the place up: consumers pass over it, and nothing was put. After Commit it does nothing, so it may be
// deferred.
func (s BytesSlot) Abort() {
	if s.m != nil {
		s.end(s.m.s.r.held(s.at, 0, abi.SlotWriting), s.k)
	}
}

// end moves the slot's word on from Writing, and gives the block k back. Killed between the two: the block belongs to a
// position that a consumer will skip.
func (s BytesSlot) end(to, k uint64) {
	m := s.m
	r := m.s.r
	_ = r.protect(func() error {
		word := r.word(s.at)
		cellRelease(word)
		if !atomic.CompareAndSwapUint64(word, r.writing(s.at), to) {
			return nil
		}
		if k != 0 {
			m.give(k-1, queuedWord(s.at))
		}
		if s.wake || atomic.LoadUint32(m.gets) != 0 {
			m.s.published(&hunt{slept: s.wake})
		}
		return nil
	})
	runtime.KeepAlive(m)
}

// BytesTaken is a message that its holder reads in place. If its process dies before Release it goes to somebody else.
// The zero BytesTaken does nothing.
type BytesTaken struct {
	B     []byte // good until Release. A peer with write access may change it: read each byte once, check
	m     *mail
	at    uint64
	k     uint64 // 1 + its block, or 0
	again bool
}

// TakeBytes takes the oldest message in place, and waits while there is none, until ctx ends. Its memory is free again
// after Release. It is io.EOF once the ring is shut down and drained.
func TakeBytes(ctx context.Context, m *MPMC[[]byte]) (t BytesTaken, err error) {
	p, err := m.open()
	if err != nil {
		return t, err
	}
	defer runtime.KeepAlive(p)
	err = p.enter(func() error {
		h := p.hunt(ctx)
		b, k, err := p.mail.take(&h)
		if err != nil {
			return err
		}
		t = BytesTaken{B: b, m: p.mail, at: h.pos, k: k, again: h.again}
		if h.slept { // it may have taken a wake-up while more than this is there
			p.handOn()
		}
		return nil
	})
	return t, err
}

// Redelivered reports whether the message was in the hands of a process that died before it released it. Its work
// may have been done already.
func (t BytesTaken) Redelivered() bool { return t.again }

// Release hands the memory back. A second Release does nothing.
func (t BytesTaken) Release() {
	if t.m == nil {
		return
	}
	_ = t.m.s.r.protect(func() error { t.m.release(t.at, t.k, nil, true); return nil })
	runtime.KeepAlive(t.m)
}

// inPlace says why Reserve and Take are not for messages.
func inPlace(call, instead string) error {
	return fmt.Errorf("ringbuf: %s on a ring of messages: use %s: %w", call, instead, fs.ErrInvalid)
}

package pipe

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/segment"
)

// Payload is a pipe's memory, for tests that watch it or scribble over it.
func Payload(c *Conn) []byte { return c.at.Load().p.seg.Payload() }

// DeskPayload is that of a listener.
func DeskPayload(l *Listener) []byte { return l.d.seg.Payload() }

// NamedPipe makes what no pipe is: a file with a name, of that kind. It returns the handle text of end 1.
func NamedPipe(name string) (text []byte, s *segment.Segment, err error) {
	sp, err := spec(4096, abi.FormTwoWay)
	if err != nil {
		return nil, nil, err
	}
	if s, err = segment.Create(name, sp, segment.Mem{}); err != nil {
		return nil, nil, err
	}
	text, err = s.Text()
	return append(text, suffixes[1]...), s, err
}

// AskWith puts a request with any text into a listener's desk, and returns what tells its state.
func AskWith(l *Listener, text []byte) (state func() uint64) {
	i, ticket := l.d.tryPlace()
	r := &l.d.ctl.Requests[i]
	copy(r.Text[:], text)
	atomic.StoreUint32(&r.Len, uint32(len(text)))
	atomic.StoreUint64(&r.Word, ticket|abi.RequestAsked)
	l.d.asked().Signal()
	return func() uint64 { return atomic.LoadUint64(&r.Word) & abi.RequestState }
}

// SlowSetReadDeadline is a SetReadDeadline that is held up right behind its first look at c.
func SlowSetReadDeadline(c *Conn) (goOn func(time.Time)) {
	e := c.at.Load()
	return func(t time.Time) {
		late := new(Conn)
		late.at.Store(e)
		_ = late.SetReadDeadline(t)
	}
}

// SlowSend is a SendBytes of a short message that is held up behind its last look at whether it may.
func SlowSend(c *Conn, p []byte) (goOn func(), err error) {
	e := c.at.Load()
	s := &e.out
	if err := s.enter(context.Background()); err != nil {
		return nil, err
	}
	if err := s.room(context.Background(), frame(uint64(len(p)))); err != nil {
		s.give(e)
		return nil, err
	}
	return func() {
		s.lay(abi.FrameBytes, p)
		s.puts++
		s.publish()
		s.give(e)
	}, nil
}

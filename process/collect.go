package process

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/shmkit/shmkit/ringbuf"
)

// CollectLogs brings the records of this process and of all its descendants to one handler, which runs in this
// process alone: so a file that h writes to, and rotates, has one writer. Call it before Main, in all processes alike; in a
// child the handler that it returns sends what it is given through shared memory to the topmost process that
// has called it, and h is not used.
//
//	func main() {
//		h, stop := process.CollectLogs(slog.NewJSONHandler(&lumberjack.Logger{Filename: "app.log"}, nil))
//		slog.SetDefault(slog.New(h))
//		process.Main()
//		defer stop()
//
// A record is safe once Handle has returned: it is in memory that outlives its process. When Join returns, h has
// had all that the child has logged, however it ended. Records of one process keep their order. If h is slow
// and the ring (some 512 KiB) is full, who logs waits. h gets an attribute "process" with each child's record; a
// LogHandler shows the name where it shows its own.
//
// Attributes travel as arguments do, and as text what cannot (errors always do). A record of more than 64 KiB
// loses its attributes and the end of its text. A Detached process, and its children, do not send: they use their own h.
//
// stop, when the children have ended, brings what is left to h; from then on the handler of this process goes straight
// to h, and children that are started then use their own. In a child it does nothing. A second CollectLogs before stop
// panics.
func CollectLogs(h slog.Handler) (all slog.Handler, stop func()) {
	if me.header.Log != "" {
		return &sender{enabled: h}, func() {}
	}
	c := &collector{h: h}
	if !collecting.CompareAndSwap(nil, c) {
		panic("process: CollectLogs: called twice; stop the first one before")
	}
	return h, c.stop
}

var collecting atomic.Pointer[collector]

// collector is the topmost process's side. Its ring is made when the first child is started.
type collector struct {
	h    slog.Handler
	mu   sync.Mutex
	ring *ringbuf.MPMC[chunk]
	text string
	over chan struct{}
	done bool // stop was called

	marks   map[uint32]chan struct{}
	flushes uint32
}

// logText is the handle that a child sends its records by: its parent's own, or a new one, or none.
func logText(detached bool) (string, error) {
	if detached {
		return "", nil
	}
	if me.header.Log != "" {
		return me.header.Log, nil
	}
	if c := collecting.Load(); c != nil {
		return c.open()
	}
	return "", nil
}

func (c *collector) open() (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done || c.ring != nil {
		return c.text, nil
	}
	r, err := ringbuf.NewMPMC[chunk](chunks)
	if err != nil {
		return "", err
	}
	text, err := r.MarshalText()
	if err != nil {
		r.Close()
		return "", err
	}
	c.ring, c.text, c.over, c.marks = r, string(text), make(chan struct{}), map[uint32]chan struct{}{}
	go c.collect(r, c.over)
	return c.text, nil
}

// collect is the only consumer. It ends with the stream.
func (c *collector) collect(r *ringbuf.MPMC[chunk], over chan struct{}) {
	defer close(over)
	parts := assembler{}
	for {
		k, err := r.Get(context.Background())
		if err != nil { // io.EOF after stop; or somebody has scribbled over the ring
			if err != io.EOF {
				slog.New(c.h).Error("process: log records are lost", "error", err)
			}
			return
		}
		if k.Sender == 0 {
			c.reached(k.Number)
			continue
		}
		if b := parts.add(&k); b != nil {
			if process, rec, err := decodeRecord(b); err == nil {
				_ = deliver(c.h, process, rec)
			}
		}
	}
}

// deliver hands a record over as one of the process that it comes from.
func deliver(h slog.Handler, process string, r slog.Record) error {
	ctx := context.Background()
	if l, ok := h.(interface{ as(string) slog.Handler }); ok {
		h = l.as(process)
	} else {
		h = h.WithAttrs([]slog.Attr{slog.String("process", process)})
	}
	if !h.Enabled(ctx, r.Level) {
		return nil
	}
	return h.Handle(ctx, r)
}

// flushLogs returns when the handler has had all that is in the ring now. It gives up after a while: a process
// that is stopped in the midst of a put keeps what comes behind it.
func flushLogs() {
	if c := collecting.Load(); c != nil {
		c.flush(5 * time.Second)
	}
}

func (c *collector) flush(d time.Duration) {
	c.mu.Lock()
	r := c.ring
	if r == nil {
		c.mu.Unlock()
		return
	}
	done := make(chan struct{})
	c.flushes++
	n := c.flushes
	c.marks[n] = done
	c.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	if r.Put(ctx, chunk{Number: n}) != nil {
		return
	}
	select {
	case <-done:
	case <-ctx.Done():
	}
}

func (c *collector) reached(n uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if done := c.marks[n]; done != nil {
		close(done)
		delete(c.marks, n)
	}
}

func (c *collector) stop() {
	collecting.CompareAndSwap(c, nil)
	c.mu.Lock()
	r, over := c.ring, c.over
	c.ring, c.text, c.done = nil, "", true
	c.mu.Unlock()
	if r == nil {
		return
	}
	_ = r.Shutdown()
	<-over
	_ = r.Close()
}

// sender is a child's handler.
type sender struct {
	enabled slog.Handler // what its parent would say
	with    []scope
}

// scope is attributes, or a group that what follows is in.
type scope struct {
	group string
	attrs []slog.Attr
}

func (s *sender) Enabled(ctx context.Context, l slog.Level) bool { return s.enabled.Enabled(ctx, l) }

func (s *sender) WithAttrs(as []slog.Attr) slog.Handler {
	if len(as) == 0 {
		return s
	}
	return s.add(scope{attrs: as})
}

func (s *sender) WithGroup(name string) slog.Handler {
	if name == "" {
		return s
	}
	return s.add(scope{group: name})
}

func (s *sender) add(x scope) slog.Handler {
	return &sender{s.enabled, append(s.with[:len(s.with):len(s.with)], x)}
}

func (s *sender) Handle(_ context.Context, r slog.Record) error {
	out, err := outbox()
	if err != nil {
		return err
	}
	b, err := encodeRecord(r, s.with)
	if err != nil {
		return err
	}
	return out.send(b)
}

// outbox opens the ring when the first record is sent: opening costs more than many a child's whole life.
var outbox = sync.OnceValues(func() (*sending, error) {
	r := new(ringbuf.MPMC[chunk])
	if err := r.UnmarshalText([]byte(me.header.Log)); err != nil {
		return nil, err
	}
	return newSending(r), nil
})

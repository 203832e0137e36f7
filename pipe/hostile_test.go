package pipe_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/shmkit/shmkit/pipe"
	"github.com/shmkit/shmkit/shm"
)

// Where words lie, as docs/layout.md has it.
const (
	atEnd0  = 0
	atEnd1  = 128
	atRing0 = 256
	atRing1 = 256 + 896
	atBytes = 2048

	ringTail, ringHead, ringLimit, ringNotEmpty, ringNotFull, ringShut = 0, 128, 256, 384, 512, 648
)

func load64(b []byte, at int) uint64      { return binary.NativeEndian.Uint64(b[at:]) }
func store64(b []byte, at int, x uint64)  { binary.NativeEndian.PutUint64(b[at:], x) }
func store32(b []byte, at int, x uint32)  { binary.NativeEndian.PutUint32(b[at:], x) }
func kindAndLength(kind, n uint64) uint64 { return kind<<56 | n }

// named says that an error is one that a caller can act on.
func named(err error) bool {
	for _, want := range []error{
		nil, io.EOF, io.ErrClosedPipe, io.ErrUnexpectedEOF, pipe.ErrEmpty, pipe.ErrClaimed, pipe.ErrKind, pipe.ErrTooShort,
		shm.ErrCorrupt, context.DeadlineExceeded, os.ErrDeadlineExceeded, syscall.ECONNREFUSED, syscall.EADDRINUSE,
	} {
		if errors.Is(err, want) {
			return true
		}
	}
	return false
}

// use does everything that can be done at an end whose words a peer has spoilt, and says what was not right: an error
// without a name, or a call that did not keep its deadline.
func use(c *pipe.Conn) (err error) {
	try := func(what string, call func(ctx context.Context) error) {
		ctx, cancel := context.WithTimeout(bg, time.Millisecond)
		defer cancel()
		start := time.Now()
		if e := call(ctx); !named(e) {
			err = errors.Join(err, fmt.Errorf("%s: %w", what, e))
		}
		if took := time.Since(start); took > 5*time.Second {
			err = errors.Join(err, fmt.Errorf("%s took %v", what, took))
		}
	}
	var v any
	buf := make([]byte, 100)
	c.SetDeadline(time.Now().Add(3 * time.Millisecond))
	try("RecvBytes", func(ctx context.Context) error { return second(c.RecvBytes(ctx, buf)) })
	try("RecvBytes(nil)", func(ctx context.Context) error { return second(c.RecvBytes(ctx, nil)) })
	try("TryRecvBytes", func(context.Context) error { return second(c.TryRecvBytes(nil)) })
	try("Read", func(context.Context) error { return second(c.Read(buf)) })
	try("SendBytes", func(ctx context.Context) error { return c.SendBytes(ctx, buf) })
	try("SendBytes long", func(ctx context.Context) error { return c.SendBytes(ctx, make([]byte, 6000)) })
	try("Write", func(context.Context) error { return second(c.Write(buf)) })
	try("Recv", func(ctx context.Context) error {
		if e := c.Recv(ctx, &v); e != nil && !named(e) && e.Error()[:13] == "pipe: receive" {
			return nil // what came was no value
		} else {
			return e
		}
	})
	_, _ = c.PeerCred()
	return err
}

// mayPanic returns a panic of f as an error.
func mayPanic(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			b := make([]byte, 8192)
			err = fmt.Errorf("panic: %v\n%s", p, b[:runtime.Stack(b, false)])
		}
	}()
	return f()
}

var hostileWords = []uint64{
	0, 1, 7, 8, 4096, 8192, 1 << 20, 1<<32 - 1, 1 << 32, 1<<63 - 8, 1 << 63, 1<<64 - 1, 1<<64 - 8, 1<<64 - 1<<10, 1<<64 - 1<<10 + 8,
	kindAndLength(1, 8), kindAndLength(1, 1<<56-1), kindAndLength(2, 100), kindAndLength(3, 0), kindAndLength(3, 5000),
	kindAndLength(4, 1<<50), kindAndLength(4, 0), kindAndLength(5, 1<<40), kindAndLength(6, 8), kindAndLength(6, 1<<56-8), kindAndLength(7, 0),
	kindAndLength(7, 9), kindAndLength(8, 8),
}

// Each word of the control block, and of what is sent, with each of some values; before the end's first use and behind it.
func TestHostileWords(t *testing.T) {
	at := []int{atEnd0, atEnd0 + 4, atEnd0 + 12, atEnd0 + 16, atEnd1, atEnd1 + 4, atEnd1 + 8, atEnd1 + 12, atEnd1 + 16, atEnd1 + 120}
	for _, ring := range []int{atRing0, atRing1} {
		for _, w := range []int{ringTail, ringHead, ringLimit, ringNotEmpty, ringNotFull, ringShut} {
			at = append(at, ring+w)
		}
	}
	const bytes1 = atBytes + 4096 // of the ring that end 1 sends in, where its first frame is
	first := bytes1 + 4096 - 1<<10
	at = append(at, first, first+16)
	for i, where := range at {
		for k, x := range hostileWords {
			if err := hostileWord(where&^7, x, (i+k)%2 == 0); err != nil {
				t.Errorf("word %d = %#x: %v", where, x, err)
			}
		}
	}
}

func hostileWord(at int, x uint64, used bool) error {
	a, b, err := pipe.Config{Cap: 4096}.New()
	if err != nil {
		return err
	}
	defer a.Close()
	defer b.Close()
	if used {
		a.SendBytes(bg, []byte("x"))
	}
	b.SendBytes(bg, []byte("12345678"))
	b.Send(bg, 3)
	store64(pipe.Payload(a), at, x)
	return mayPanic(func() error { return use(a) })
}

// A peer scribbles over all of the pipe at full speed while it is used, and nothing is allocated by its word.
func TestHostileScribbler(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	rounds := 0
	for end := time.Now().Add(time.Second); time.Now().Before(end); rounds++ {
		a, b, err := pipe.Config{Cap: 4096}.New()
		if err != nil {
			t.Fatal(err)
		}
		var stop atomic.Bool
		var peer sync.WaitGroup
		mem := pipe.Payload(a)
		peer.Go(func() { scribble(mem, uint64(rounds)+1, &stop) })
		for range 5 {
			if err := mayPanic(func() error { return use(a) }); err != nil {
				t.Fatal(err)
			}
		}
		stop.Store(true)
		peer.Wait()
		a.Close()
		b.Close()
	}
	runtime.ReadMemStats(&after)
	if per := (after.TotalAlloc - before.TotalAlloc) / uint64(rounds); per > 32<<20 {
		t.Errorf("%d bytes allocated a round", per)
	}
	t.Logf("%d rounds", rounds)
}

func scribble(mem []byte, x uint64, stop *atomic.Bool) {
	for !stop.Load() {
		for range 100 {
			x ^= x << 13
			x ^= x >> 7
			x ^= x << 17
			at := atRing0 + int(x>>8%uint64(atBytes-atRing0))&^7
			switch x >> 20 % 8 {
			case 0:
				at = int(x >> 24 % uint64(len(mem)/8) * 8)
			case 1, 2, 3:
				at = atBytes + int(x>>24%uint64((len(mem)-atBytes)/8)*8)
			}
			switch x >> 23 % 3 {
			case 0:
				store64(mem, at, hostileWords[x>>40%uint64(len(hostileWords))])
			case 1:
				store64(mem, at, load64(mem, at)+x>>60*8)
			default:
				store64(mem, at, 1<<64-1<<10+x>>50*8)
			}
		}
	}
}

// Garbage that says it is a value is an error, and the next value comes.
func TestGarbageValues(t *testing.T) {
	a, b := newPipe(t, 0)
	const at = atBytes + 64<<10 - 1<<10 // of the first frame in ring 0
	for _, garbage := range []string{"\xff", "\x9f", "\x7b\xff\xff\xff\xff\xff\xff\xff\xff", "\xbb\x00\x00\x00\x00\xff\xff\xff\xff", "\x81\x81\x81\x81", ""} {
		a, b := newPipe(t, 0)
		if err := a.Send(bg, "12345678901"); err != nil { // 12 bytes encoded
			t.Fatal(err)
		}
		mem := pipe.Payload(a)
		store64(mem, at, kindAndLength(2, uint64(len(garbage))))
		copy(mem[at+8:], garbage)
		var v any
		if err := b.Recv(soon(t), &v); err == nil || v != nil {
			t.Errorf("%q: %v, %v", garbage, v, err)
		}
	}
	// With the length right, the next one is whole.
	a.Send(bg, "12345678901")
	a.Send(bg, "next")
	pipe.Payload(a)[at+8] = 0xff
	var v any
	if err := b.Recv(soon(t), &v); err == nil {
		t.Error("garbage:", v)
	}
	if err := b.Recv(soon(t), &v); v != "next" || err != nil {
		t.Error(v, err)
	}
}

package process

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"reflect"
	"sync"
	"time"

	"github.com/shmkit/shmkit/internal/codec"
	"github.com/shmkit/shmkit/ringbuf"
)

// chunk is what lies in the ring: a piece of an encoded record. A process puts the pieces of a record one after
// another; those of others may come between. Killed between two pieces: nobody was told that the record is safe, and
// the pieces are forgotten.
type chunk struct {
	Sender uint64 // drawn once a process, not 0. 0: the collector's own mark
	Number uint32 // of the record, or the mark
	Size   uint32 // of the whole record
	At     uint32 // where this piece belongs
	_      uint32
	Data   [488]byte
}

const (
	chunks     = 1024     // in the ring: half a megabyte
	maxRecord  = 64 << 10 // encoded
	maxSenders = 1024     // of whom half a record is kept
)

// sending is a process's way into the ring.
type sending struct {
	mu   sync.Mutex // a record's pieces are not mixed with another's of this process
	ring *ringbuf.MPMC[chunk]
	next chunk
}

func newSending(r *ringbuf.MPMC[chunk]) *sending {
	return &sending{ring: r, next: chunk{Sender: rand.Uint64() | 1}}
}

// send returns when the record is safe. It waits while the ring is full, whatever context its caller has: a
// record that says why a context has ended must not be lost to that.
func (s *sending) send(b []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next.Number++
	s.next.Size = uint32(len(b))
	for at := 0; at < len(b); at += len(s.next.Data) {
		s.next.At = uint32(at)
		clear(s.next.Data[copy(s.next.Data[:], b[at:]):])
		if err := s.ring.Put(context.Background(), s.next); err != nil {
			return err
		}
	}
	return nil
}

// assembler keeps the records of which pieces are missing, by their sender. It believes nothing: a piece that
// does not fit drops what it belongs to.
type assembler map[uint64]*partial

type partial struct {
	number, size uint32
	b            []byte
}

func (a assembler) add(k *chunk) []byte {
	p := a[k.Sender]
	if k.At == 0 {
		if k.Size == 0 || k.Size > maxRecord {
			return nil
		}
		if p == nil && len(a) >= maxSenders {
			for dead := range a { // any: most of them are
				delete(a, dead)
				break
			}
		}
		p = &partial{number: k.Number, size: k.Size}
		a[k.Sender] = p
	}
	if p == nil || p.number != k.Number || p.size != k.Size || len(p.b) != int(k.At) {
		delete(a, k.Sender)
		return nil
	}
	p.b = append(p.b, k.Data[:min(len(k.Data), int(p.size)-len(p.b))]...)
	if len(p.b) < int(p.size) {
		return nil
	}
	delete(a, k.Sender)
	return p.b
}

// wire is a record as it travels.
type wire struct {
	Process string
	Time    time.Time
	Level   int
	Msg     string
	PC      int64 // from a function that both processes have: they need not have loaded the program at the same place
	Attrs   []wireAttr
}

type wireAttr struct {
	Key   string
	Kind  int
	Value any
	Group []wireAttr
}

var codeBase = int64(reflect.ValueOf(Main).Pointer())

func encodeRecord(r slog.Record, with []scope) ([]byte, error) {
	w := wire{Process: me.current.Name, Time: r.Time, Level: int(r.Level), Msg: r.Message, Attrs: wireAttrs(attrsOf(r, with))}
	if r.PC != 0 {
		w.PC = int64(r.PC) - codeBase
	}
	b, err := codec.CBOR.Append(nil, w)
	if err == nil && len(b) <= maxRecord {
		return b, nil
	}
	w.Msg = w.Msg[:min(len(w.Msg), maxRecord/2)]
	w.Attrs = []wireAttr{{Key: "truncated", Kind: int(slog.KindBool), Value: true}}
	return codec.CBOR.Append(nil, w)
}

// attrsOf nests a record's attributes in the groups that its logger has opened.
func attrsOf(r slog.Record, with []scope) []slog.Attr {
	var as []slog.Attr
	r.Attrs(func(a slog.Attr) bool { as = append(as, a); return true })
	for i := len(with) - 1; i >= 0; i-- {
		if with[i].group != "" {
			as = []slog.Attr{{Key: with[i].group, Value: slog.GroupValue(as...)}}
		} else {
			as = append(with[i].attrs[:len(with[i].attrs):len(with[i].attrs)], as...)
		}
	}
	return as
}

func wireAttrs(as []slog.Attr) []wireAttr {
	out := make([]wireAttr, len(as))
	for i, a := range as {
		v := a.Value.Resolve()
		out[i] = wireAttr{Key: a.Key, Kind: int(v.Kind())}
		switch v.Kind() {
		case slog.KindGroup:
			out[i].Group = wireAttrs(v.Group())
		case slog.KindDuration:
			out[i].Value = int64(v.Duration())
		case slog.KindAny:
			out[i].Value = portable(v.Any())
		default:
			out[i].Value = v.Any()
		}
	}
	return out
}

// portable is v, or its text if v says something other than its parts do, or cannot travel.
func portable(v any) any {
	switch v.(type) {
	case error, fmt.Stringer:
		return fmt.Sprint(v)
	}
	if _, err := codec.CBOR.Append(nil, [1]any{v}); err != nil {
		return fmt.Sprintf("%+v", v)
	}
	return v
}

func decodeRecord(b []byte) (process string, r slog.Record, err error) {
	var w wire
	if err := codec.CBOR.Decode(b, &w); err != nil {
		return "", r, err
	}
	var pc uintptr
	if w.PC != 0 {
		pc = uintptr(w.PC + codeBase)
	}
	r = slog.NewRecord(w.Time, slog.Level(w.Level), w.Msg, pc)
	r.AddAttrs(slogAttrs(w.Attrs)...)
	return w.Process, r, nil
}

func slogAttrs(ws []wireAttr) []slog.Attr {
	out := make([]slog.Attr, len(ws))
	for i, w := range ws {
		v := slog.AnyValue(w.Value)
		switch n, _ := w.Value.(int64); slog.Kind(w.Kind) {
		case slog.KindGroup:
			v = slog.GroupValue(slogAttrs(w.Group)...)
		case slog.KindDuration:
			v = slog.DurationValue(time.Duration(n))
		}
		out[i] = slog.Attr{Key: w.Key, Value: v}
	}
	return out
}

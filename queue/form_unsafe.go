package queue

import (
	"fmt"
	"math/bits"
	"reflect"
	"sync"
	"unsafe"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/codec"
)

func lowest(set uint64) uint64 { return uint64(bits.TrailingZeros64(set)) }

// form is how a T becomes a message.
type form[T any] struct {
	how   how
	codec codec.Codec
}

type how int

const (
	plain how = iota // as it lies in memory
	isBytes
	isString
	coded
)

// look is what the header says of it.
type look struct {
	typ    abi.Type
	codec  string
	inline uint64
}

const inlineDefault = 256

// formOf chooses the form of T's messages.
func formOf[T any](c Codec) (f form[T], l look, err error) {
	t := reflect.TypeFor[T]()
	if c == nil {
		if typ, err := abi.Copyable(t); err == nil {
			return f, look{typ: typ, inline: typ.Size}, nil
		}
		c = codec.For(t)
		switch {
		case c == codec.Raw && t.Kind() == reflect.String:
			f.how = isString
		case c == codec.Raw:
			f.how = isBytes
		default:
			f.how = coded
			if err := codec.Check(t); err != nil {
				return f, l, fmt.Errorf("queue: a queue of %w", err)
			}
		}
	} else {
		f.how = coded
	}
	f.codec = c
	name := c.Name()
	if name == "" {
		return f, l, fmt.Errorf("queue: the codec %T has no name: %w", c, errInvalid)
	}
	return f, look{codec: name, inline: inlineDefault}, nil
}

// scratch are buffers for what is encoded. Large ones are not kept.
var scratch = sync.Pool{New: func() any { return new([]byte) }}

const maxScratch = 1 << 20

func putScratch(b *[]byte) {
	if cap(*b) <= maxScratch {
		*b = (*b)[:0]
		scratch.Put(b)
	}
}

// bytes is the memory of v as a message, of the forms that need no encoding.
func (f *form[T]) bytes(v *T) []byte {
	switch f.how {
	case plain:
		return unsafe.Slice((*byte)(unsafe.Pointer(v)), unsafe.Sizeof(*v))
	case isBytes:
		return *(*[]byte)(unsafe.Pointer(v))
	}
	s := *(*string)(unsafe.Pointer(v))
	return unsafe.Slice(unsafe.StringData(s), len(s))
}

// room is memory for a message of n bytes which is to be v's: that of dst, if it is large enough.
func (f *form[T]) room(v *T, n uint64) ([]byte, error) {
	switch f.how {
	case plain:
		if n != uint64(unsafe.Sizeof(*v)) {
			return nil, fmt.Errorf("it has %d bytes, and a %T has %d: %w", n, *v, unsafe.Sizeof(*v), abi.ErrCorrupt)
		}
		return unsafe.Slice((*byte)(unsafe.Pointer(v)), n), nil
	case isBytes:
		b := (*[]byte)(unsafe.Pointer(v))
		if *b == nil || uint64(cap(*b)) < n {
			*b = make([]byte, n)
		}
		*b = (*b)[:n]
		return *b, nil
	}
	b := make([]byte, n)
	*(*string)(unsafe.Pointer(v)) = unsafe.String(unsafe.SliceData(b), n)
	return b, nil
}

package inspect

import (
	"sync/atomic"
	"unsafe"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/futex"
	"github.com/shmkit/shmkit/internal/segment"
	"github.com/shmkit/shmkit/internal/wordwise"
	"github.com/shmkit/shmkit/sem"
)

// loadWord loads the word at off of a payload, in place.
func loadWord(p []byte, off uint64) uint64 {
	return atomic.LoadUint64((*uint64)(unsafe.Pointer(&p[off])))
}

// load copies bytes of a payload, in place, between two loads of words.
func load(p []byte) []byte {
	b := make([]byte, len(p))
	if len(b) > 0 {
		wordwise.Load(unsafe.Pointer(&b[0]), unsafe.Pointer(&p[0]), uintptr(len(p)))
	}
	return b
}

// word is a word as bytes.
func word(w uint64) []byte {
	b := make([]byte, abi.WordSize)
	copy(b, unsafe.Slice((*byte)(unsafe.Pointer(&w)), abi.WordSize))
	return b
}

// setValue changes the value of that name by edit, as docs/layout.md says, for a type that is known by its description only.
func setValue(name string, h abi.Header, format string, edit func(b []byte) error) error {
	size := func(s [4]uint64) int64 {
		if s[abi.ValueForm] == abi.FormWord && h.ElemSize <= abi.WordSize {
			return 256
		}
		n, stride := s[abi.ValueCopies], s[abi.ValueStride]
		if s[abi.ValueForm] != abi.FormCopies || n < 2 || n > abi.MaxCopies || stride < h.ElemSize || stride > abi.MaxSize {
			return -1
		}
		return int64(256 + n*stride)
	}
	s, err := segment.Open(name, segment.Spec{
		Kind: abi.KindValue, Type: abi.Type{Format: format, Size: h.ElemSize, Align: h.ElemAlign}, Size: size,
	}, segment.Mem{})
	if err != nil {
		return err
	}
	defer s.Close()
	if gone := s.Protect(func() { err = editValue(s.Payload(), s.Shape(), h.ElemSize, edit) }); gone != nil {
		return gone
	}
	return err
}

func editValue(p []byte, shape [4]uint64, size uint64, edit func(b []byte) error) error {
	ctl := (*abi.Value)(unsafe.Pointer(unsafe.SliceData(p)))
	m := (*sem.Mutex)(unsafe.Pointer(&ctl.Mutex))
	m.Lock()
	if m.Abandoned() {
		m.Repaired() // there is nothing to repair
	}
	defer ring(&ctl.Changed)
	defer m.Unlock()
	for {
		w := atomic.LoadUint64(&ctl.Word)
		if shape[abi.ValueForm] == abi.FormWord {
			b := word(w)
			if err := edit(b[:size]); err != nil {
				return err
			}
			if atomic.CompareAndSwapUint64(&ctl.Word, w, *(*uint64)(unsafe.Pointer(&b[0]))) {
				return nil
			}
			continue
		}
		at := func(v uint64) []byte { return p[256+v%shape[abi.ValueCopies]*shape[abi.ValueStride]:][:size] }
		b := load(at(w))
		if err := edit(b); err != nil {
			return err
		}
		wordwise.Store(unsafe.Pointer(&at(w + 1)[0]), unsafe.Pointer(&b[0]), uintptr(size))
		atomic.StoreUint64(&ctl.Word, w+1)
		return nil
	}
}

// ring tells those who wait for another value.
func ring(bell *uint32) {
	for {
		w := atomic.LoadUint32(bell)
		if w&1 == 0 {
			return
		}
		if atomic.CompareAndSwapUint32(bell, w, w&^1+2) {
			futex.Wake(bell, 1<<31-1)
			return
		}
	}
}

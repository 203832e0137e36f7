package wordwise

import (
	"bytes"
	"testing"
	"unsafe"
)

// Both ways of copying, at every offset and length around a word, leave the neighbours alone.
func TestEveryOffset(t *testing.T) {
	ways := map[string]struct {
		load, store func(to, from unsafe.Pointer, n uintptr)
	}{"words": {loadWords, storeWords}, "as built": {Load, Store}}
	for name, way := range ways {
		for off := range 17 {
			for n := range 40 {
				var words [8]uint64
				shared := unsafe.Slice((*byte)(unsafe.Pointer(&words)), 64)
				for i := range shared {
					shared[i] = byte(i) | 0x80
				}
				want := bytes.Clone(shared)
				got := make([]byte, n+1)
				if way.load(unsafe.Pointer(&got[0]), unsafe.Pointer(&shared[off]), uintptr(n)); !bytes.Equal(got[:n], want[off:off+n]) || got[n] != 0 {
					t.Fatalf("%s: loaded %d from %d: %x", name, n, off, got)
				}
				for i := range got {
					got[i] = byte(i)
				}
				copy(want[off:off+n], got)
				if way.store(unsafe.Pointer(&shared[off]), unsafe.Pointer(&got[0]), uintptr(n)); !bytes.Equal(shared, want) {
					t.Fatalf("%s: stored %d at %d: %x", name, n, off, shared)
				}
			}
		}
	}
}

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

// Private memory of any size, which ends where the allocation does, and shared memory at any offset: also what is copied past
// the registers, or by pages.
func TestEverySize(t *testing.T) {
	words := make([]uint64, 64<<10/word+2)
	shared := unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), len(words)*word)
	for _, n := range []int{1, 3, 8, 16, 24, 48, 64, 100, 4096, 8192, 64 << 10} {
		for off := range word + 1 {
			for i := range shared {
				shared[i] = byte(i*7 + off)
			}
			want := bytes.Clone(shared)
			b := make([]byte, n)
			if Load(unsafe.Pointer(&b[0]), unsafe.Pointer(&shared[off]), uintptr(n)); !bytes.Equal(b, want[off:off+n]) {
				t.Fatalf("loaded %d from %d: others", n, off)
			}
			for i := range b {
				b[i] = byte(i * 5)
			}
			copy(want[off:], b)
			if Store(unsafe.Pointer(&shared[off]), unsafe.Pointer(&b[0]), uintptr(n)); !bytes.Equal(shared, want) {
				t.Fatalf("stored %d at %d: others", n, off)
			}
		}
	}
}

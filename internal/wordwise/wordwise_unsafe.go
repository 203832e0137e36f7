// Package wordwise copies between private and shared memory where somebody else may write, or read, at the same
// time, and a version word decides afterwards whether what was copied is whole (a seqlock: Boehm, "Can Seqlocks Get
// Along With Programming Language Memory Models?", 2012).
//
// Such a copy may be torn, but must neither pass nor be passed by the words around it. On amd64 the machine keeps loads in
// order, and stores, so a plain memmove is right; but of 1 MiB and more, whose stores go past the cache: they end with a fence,
// and do not begin with one. Elsewhere every aligned word is loaded by acquire and stored by release: atomic.Load and
// atomic.Store. The race detector, which wants to see atomics, gets them too.
package wordwise

import (
	"sync/atomic"
	"unsafe"

	"github.com/shmkit/shmkit/internal/fence"
)

const word = 8

// Load copies n bytes from shared memory to private memory. It is not passed by a later atomic load, nor passes an
// earlier one. The aligned words around the bytes must be mapped.
func Load(private, shared unsafe.Pointer, n uintptr) {
	if fence.PlainStore {
		copy(unsafe.Slice((*byte)(private), n), unsafe.Slice((*byte)(shared), n))
		return
	}
	loadWords(private, shared, n)
}

// Store copies n bytes from private memory to shared memory, in ascending order. It is not passed by a later atomic store,
// nor passes an earlier one; if n may be 1 MiB or more, that one must be a full barrier (a swap, a compare-and-swap). Nobody else may write to the aligned words of 4 bytes in which the range begins and ends,
// other than by atomic operations.
func Store(shared, private unsafe.Pointer, n uintptr) {
	if fence.PlainStore {
		copy(unsafe.Slice((*byte)(shared), n), unsafe.Slice((*byte)(private), n))
		return
	}
	storeWords(shared, private, n)
}

// loadWords takes an aligned word at a time, and of the first and the last what belongs to the range.
func loadWords(private, shared unsafe.Pointer, n uintptr) {
	for i := uintptr(0); i < n; {
		from := unsafe.Add(shared, i)
		skip := uintptr(from) % word
		take := min(word-skip, n-i)
		w := atomic.LoadUint64((*uint64)(unsafe.Add(from, -int(skip))))
		copy(unsafe.Slice((*byte)(unsafe.Add(private, i)), take), unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(&w), skip)), take))
		i += take
	}
}

// storeWords stores whole words where the range has them; else it exchanges bytes of an aligned word of 4, because there
// is no atomic store of one byte.
func storeWords(shared, private unsafe.Pointer, n uintptr) {
	for i := uintptr(0); i < n; {
		to, from := unsafe.Add(shared, i), unsafe.Add(private, i)
		if uintptr(to)%word == 0 && n-i >= word {
			var w uint64
			copy(unsafe.Slice((*byte)(unsafe.Pointer(&w)), word), unsafe.Slice((*byte)(from), word))
			atomic.StoreUint64((*uint64)(to), w)
			i += word
			continue
		}
		skip := uintptr(to) % 4
		take := min(4-skip, n-i)
		patch((*uint32)(unsafe.Add(to, -int(skip))), skip, from, take)
		i += take
	}
}

// patch exchanges take bytes of a word, from the byte skip on.
func patch(p *uint32, skip uintptr, private unsafe.Pointer, take uintptr) {
	for {
		was := atomic.LoadUint32(p)
		w := was
		copy(unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(&w), skip)), take), unsafe.Slice((*byte)(private), take))
		if atomic.CompareAndSwapUint32(p, was, w) {
			return
		}
	}
}

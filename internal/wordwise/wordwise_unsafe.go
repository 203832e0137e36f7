// Package wordwise copies between private and shared memory where somebody else may write, or read, at the same
// time, and a version word decides afterwards whether what was copied is whole (a seqlock: Boehm, "Can Seqlocks Get
// Along With Programming Language Memory Models?", 2012).
//
// Such a copy may be torn, but must neither pass nor be passed by the words around it. On amd64 the machine keeps loads in
// order, and stores, so a plain memmove is right (its stores past the cache end with a fence). Elsewhere every aligned
// word is loaded by acquire and stored by release: atomic.Load and atomic.Store. The race detector, which wants
// to see atomics, gets them too.
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
// nor passes an earlier one. Nobody else may write to the aligned words of 4 bytes in which the range begins and ends,
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
	for n > 0 {
		skip := uintptr(shared) % word
		take := min(word-skip, n)
		w := atomic.LoadUint64((*uint64)(unsafe.Add(shared, -int(skip))))
		copy(unsafe.Slice((*byte)(private), take), unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(&w), skip)), take))
		private, shared, n = unsafe.Add(private, take), unsafe.Add(shared, take), n-take
	}
}

// storeWords stores whole words where the range has them; else it exchanges bytes of an aligned word of 4, because there
// is no atomic store of one byte.
func storeWords(shared, private unsafe.Pointer, n uintptr) {
	for n > 0 {
		if uintptr(shared)%word == 0 && n >= word {
			var w uint64
			copy(unsafe.Slice((*byte)(unsafe.Pointer(&w)), word), unsafe.Slice((*byte)(private), word))
			atomic.StoreUint64((*uint64)(shared), w)
			private, shared, n = unsafe.Add(private, word), unsafe.Add(shared, word), n-word
			continue
		}
		skip := uintptr(shared) % 4
		take := min(4-skip, n)
		patch((*uint32)(unsafe.Add(shared, -int(skip))), skip, private, take)
		private, shared, n = unsafe.Add(private, take), unsafe.Add(shared, take), n-take
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

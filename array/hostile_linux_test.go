package array_test

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/shmkit/shmkit/array"
)

// Whatever a peer has written into the words of the stripes, with the locks free or abandoned, calls end, and nothing
// outside of the array is touched.
func TestHostileRecords(t *testing.T) {
	aslice(t)
	a := amake(t, array.Config[triple]{Len: 48, Stripes: 3})
	words := array.Words(a)
	numbers := []uint64{0, 1, 2, 3, 24, 47 * 24, 48 * 24, 48*24 + 24, 1 << 40, 1 << 63, 1<<64 - 1, 1<<64 - 24}
	start := time.Now()
	for range 3000 {
		for s := range 3 {
			w := words[256*s:]
			for off := 136; off < 168; off += 8 {
				binary.NativeEndian.PutUint64(w[off:], numbers[rand.IntN(len(numbers))])
			}
			binary.NativeEndian.PutUint32(w[132:], rand.Uint32N(2))
			binary.NativeEndian.PutUint64(w, numbers[rand.IntN(len(numbers))])
			binary.NativeEndian.PutUint32(w[128:], rand.Uint32N(2)) // free; abandoned, or not
		}
		a.Store(rand.IntN(48), thrice(1))
		a.WriteAt(make([]triple, 20), rand.IntN(28))
		a.ReadAt(make([]triple, 48), 0)
		a.Lock()
		a.Unlock()
	}
	if took := time.Since(start); took > ever {
		t.Errorf("%v", took)
	}
}

package bench

import (
	"sync/atomic"
	"testing"

	"github.com/shmkit/shmkit/shm"
	"github.com/shmkit/shmkit/value"
)

// sixtyFour is the T of 64 bytes.
type sixtyFour [8]int64

func newValue[T any](b *testing.B) *value.Value[T] {
	var zero T
	v, err := value.New(zero)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { v.Close() })
	return v
}

func BenchmarkValueLoad(b *testing.B) {
	v := newValue[int64](b)
	var sum int64
	for range b.N {
		sum += v.Load()
	}
	sink.Store(sum)
}

var sink atomic.Int64

func BenchmarkValueAdd(b *testing.B) {
	v := newValue[int64](b)
	for range b.N {
		value.Add(v, 1)
	}
}

// What Add is measured by.
func BenchmarkBareAdd(b *testing.B) {
	v, err := shm.New[atomic.Int64]()
	if err != nil {
		b.Fatal(err)
	}
	defer v.Close()
	n := v.Ptr()
	for range b.N {
		n.Add(1)
	}
}

func BenchmarkValueAddFloat(b *testing.B) {
	v := newValue[float64](b)
	for b.Loop() {
		value.Add(v, 1)
	}
}

func BenchmarkValueStore(b *testing.B) {
	v := newValue[int64](b)
	for b.Loop() {
		v.Store(1)
	}
}

func BenchmarkValueLoad64(b *testing.B) {
	v := newValue[sixtyFour](b)
	var sum int64
	for b.Loop() {
		x := v.Load()
		sum += x[7]
	}
	sink.Store(sum)
}

func BenchmarkValueStore64(b *testing.B) {
	v := newValue[sixtyFour](b)
	var x sixtyFour
	for b.Loop() {
		x[0]++
		v.Store(x)
	}
}

func BenchmarkValueUpdate64(b *testing.B) {
	v := newValue[sixtyFour](b)
	for b.Loop() {
		v.Update(func(x *sixtyFour) { x[0]++ })
	}
}

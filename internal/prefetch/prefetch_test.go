package prefetch_test

import (
	"slices"
	"testing"

	"github.com/shmkit/shmkit/internal/prefetch"
)

// A hint changes nothing, and asks for what is not there without a fault.
func TestWriteIsAHint(t *testing.T) {
	mem := make([]uint64, 64)
	for i := range mem {
		mem[i] = uint64(i)
	}
	want := slices.Clone(mem)
	for _, n := range []uintptr{0, 1, 8, 64, 65, 512, 1 << 24} {
		prefetch.Write(&mem[3], n)
	}
	if !slices.Equal(mem, want) {
		t.Errorf("the memory has changed: %v", mem)
	}
}

func BenchmarkWrite(b *testing.B) {
	var mem [64]uint64
	for b.Loop() {
		prefetch.Write(&mem[0], 512)
	}
}

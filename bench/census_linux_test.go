package bench

import (
	"fmt"
	"testing"

	"github.com/shmkit/shmkit/ringbuf"
)

// BenchmarkMPMCLen is what it costs to look at every slot, as Len and Stats of a ring of many do.
func BenchmarkMPMCLen(b *testing.B) {
	for _, capacity := range []int{16, 1 << 10, 64 << 10, 1 << 20} {
		b.Run(fmt.Sprintf("%d", capacity), func(b *testing.B) {
			r, err := ringbuf.NewMPMC[uint64](capacity)
			must(b, err)
			defer r.Close()
			for b.Loop() {
				if r.Len() != 0 {
					b.Fatal("an empty ring is not")
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(capacity), "ns/slot")
		})
	}
}

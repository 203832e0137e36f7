package ringbuf_test

import (
	"context"
	"testing"

	"github.com/shmkit/shmkit/ringbuf"
)

func TestBroadcastAllocations(t *testing.T) {
	ctx, msg := context.Background(), make([]byte, 100)
	for _, overrun := range []bool{false, true} {
		x, y := newAir[[4]int64](t, 64, overrun), newAir[[]byte](t, 4096, overrun)
		s, m := x.subscribe(t, ringbuf.Latest), y.subscribe(t, ringbuf.Latest)
		dst := make([][4]int64, 8)
		y.p.Put(ctx, msg)
		m.Get(ctx)
		for name, f := range map[string]func(){
			"Put, Get":       func() { x.p.Put(ctx, [4]int64{}); s.Get(ctx) },
			"TryPut, TryGet": func() { x.p.TryPut([4]int64{}); s.TryGet(); s.TryGet() },
			"batch": func() {
				run, _ := x.p.Reserve(ctx, 8)
				x.p.Commit(len(run))
				for n := 0; n < len(run); {
					k, _ := s.GetBatch(ctx, dst)
					n += k
				}
			},
			"messages": func() { y.p.TryPut(msg); m.TryGet() },
			"Stats":    func() { x.b.Stats(); x.b.Len() },
		} {
			if n := testing.AllocsPerRun(500, f); n != 0 {
				t.Errorf("overrun %t, %s: %v allocations", overrun, name, n)
			}
		}
	}
}

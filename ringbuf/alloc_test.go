package ringbuf_test

import (
	"context"
	"testing"

	"github.com/shmkit/shmkit/ringbuf"
)

func TestAllocations(t *testing.T) {
	x, y := newPair[[4]int64](t, 64), newPair[[]byte](t, 4096)
	ctx := context.Background()
	msg := make([]byte, 100)
	y.p.Put(ctx, msg)
	y.c.Get(ctx)
	for name, f := range map[string]func(){
		"Put, Get":       func() { x.p.Put(ctx, [4]int64{}); x.c.Get(ctx) },
		"TryPut, TryGet": func() { x.p.TryPut([4]int64{}); x.c.TryGet() },
		"in place": func() {
			run, _ := x.p.Reserve(ctx, 40)
			x.p.Commit(len(run))
			run, _ = x.c.Next(ctx, 40)
			x.c.Release(len(run))
		},
		"full, empty": func() {
			for x.p.TryPut([4]int64{}) == nil {
			}
			for {
				if _, err := x.c.TryGet(); err != nil {
					break
				}
			}
		},
		"messages":          func() { y.p.TryPut(msg); y.c.TryGet() },
		"messages in place": func() { ringbuf.ReserveBytes(ctx, y.p, 99); y.p.Commit(1); y.c.Next(ctx, 2); y.c.Release(1) },
		"Len":               func() { x.r.Len(); x.r.Stats() },
	} {
		if n := testing.AllocsPerRun(500, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

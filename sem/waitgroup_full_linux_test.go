package sem_test

import (
	"sync/atomic"
	"testing"

	"github.com/shmkit/shmkit/internal/proctest"
)

// A live process whose claims are all there are.
var _ = guest("crowd of one", func(h *hall, args []string) {
	h.G.Enter()
	for i := range 64 { // as if each were another process
		if v := atomic.LoadUint64(h.claim(i)); v != 0 {
			for j := range 64 {
				atomic.StoreUint64(h.claim(j), v)
			}
			break
		}
	}
	proctest.Say("full")
	for proctest.Hear() == "leave" {
		h.G.Leave()
		proctest.Say("left")
	}
})

// All claims are taken by the living: one that enters waits until somebody leaves, or dies.
func TestWaitGroupFull(t *testing.T) {
	for _, how := range []string{"leave", "die"} {
		t.Run(how, func(t *testing.T) {
			h, text := newHall(t, 1)
			carried(t)
			p := proctest.Start(t, "crowd of one", text)
			p.Expect("full")
			in := make(chan error, 1)
			go func() { h.G.Enter(); in <- nil }()
			until(func() bool { return atomic.LoadUint32(h.door())&1 != 0 })
			if _, ok := take(in, 3*short); ok {
				t.Error("a 65th process is inside")
			}
			if how == "leave" {
				p.Send("leave")
				p.Expect("left")
			} else {
				p.Kill()
			}
			if _, ok := take(in, ever); !ok {
				t.Fatal("there is room, and Enter waits")
			}
			got := waits(h)
			h.G.Leave()
			p.Kill()
			if err := <-got; err != nil {
				t.Error(err)
			}
		})
	}
}

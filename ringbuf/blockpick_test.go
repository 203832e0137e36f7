package ringbuf

import (
	"sync/atomic"
	"testing"

	"github.com/shmkit/shmkit/internal/abi"
)

// pickRing is a ring of which 128 blocks are nearby, and 128 beyond, all in use.
func pickRing(t *testing.T) *mail {
	t.Helper()
	r := HeapMail(16<<20, 64<<10)
	t.Cleanup(func() { r.Close() })
	m := r.at.Load().mail
	c := &m.k.classes[0]
	if near := c.nearby(); c.count != 256 || near != 128 {
		t.Fatalf("%d blocks, of which %d nearby; want 256 and 128", c.count, near)
	}
	for i := range c.count {
		if b, ok := m.pickOf(0); !ok || b != i {
			t.Fatalf("pick %d: block %d, %v", i, b, ok)
		}
	}
	return m
}

// pickFree frees these blocks.
func pickFree(m *mail, blocks ...uint64) {
	for _, b := range blocks {
		atomic.StoreUint64(m.k.word(b), abi.BlockFree)
	}
}

// pickWant picks once, and the block is to be this one.
func pickWant(t *testing.T, m *mail, want uint64) {
	t.Helper()
	if b, ok := m.pickOf(0); !ok || b != want {
		t.Errorf("picked block %d, %v; want %d", b, ok, want)
	}
}

// Whichever block is free is found before a put says that there is none.
func TestPickFindsTheOnlyOne(t *testing.T) {
	m := pickRing(t)
	if b, ok := m.pickOf(0); ok {
		t.Errorf("picked block %d, and all were in use", b)
	}
	for b := range m.k.classes[0].count {
		b = b * 37 % 256 // from everywhere to everywhere
		pickFree(m, b)
		pickWant(t, m, b)
	}
}

// With a long backlog a put looks neither at all that is nearby nor at what lies beyond from the first on.
func TestPickLooksAtFew(t *testing.T) {
	m := pickRing(t)
	pickFree(m, few, 130) // one nearby, behind the few
	pickWant(t, m, 130)
	pickFree(m, 128, 129, 131)
	pickWant(t, m, 131) // behind the last one
	pickFree(m, few-1)
	pickWant(t, m, few-1) // nearby comes first
	pickWant(t, m, few)
	pickWant(t, m, 128)
	pickWant(t, m, 129)
}

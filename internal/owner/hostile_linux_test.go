package owner_test

import (
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/shmkit/shmkit/internal/owner"
	"github.com/shmkit/shmkit/internal/proctest"
)

// stranger is a description that can read the file and places locks to mislead.
func stranger(t *testing.T, r *room) *os.File {
	t.Helper()
	f, err := os.Open(r.path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func readLock(f *os.File, start, n int64) error {
	l := unix.Flock_t{Type: unix.F_RDLCK, Start: start, Len: n}
	return unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &l)
}

// Read access to the file is power to hide a death, and never to fake one.
func TestReadLocksHideDeathsOnly(t *testing.T) {
	r := newRoom(t)
	p, id := r.member(t, proctest.Attr{})
	f := stranger(t, r)
	at := owner.Base + int64(id)
	if err := readLock(f, owner.Base, owner.Mask+1); err != unix.EAGAIN {
		t.Errorf("a lock over a live byte: %v", err)
	}
	for _, s := range [][2]int64{{owner.Base, at - owner.Base}, {at + 1, 0}} { // the second to the end of all
		if err := readLock(f, s[0], s[1]); err != nil {
			t.Fatal(err)
		}
	}
	if got := living(t, r); !slices.Equal(got, []uint32{id}) {
		t.Errorf("living %v, want %d: locks of more than a byte are nobody's", got, id)
	}
	p.Zombie()
	if r.alive(id) {
		t.Error("the dead one is alive")
	}
	if err := readLock(f, owner.Base, 0); err != nil {
		t.Fatal(err)
	}
	if !r.alive(id) || !inUse(t, r) {
		t.Error("the kernel tells who locks: then this text is wrong")
	}
	if got := living(t, r); len(got) != 0 {
		t.Errorf("living %v", got)
	}
	f.Close()
	if r.alive(id) || inUse(t, r) {
		t.Error("alive although the stranger has gone")
	}
}

func TestLivingEndsWithManyLocks(t *testing.T) {
	r := newRoom(t)
	f := stranger(t, r)
	const n = 3000
	for i := range int64(n) { // single bytes, from the top, and longer stretches between them
		if err := readLock(f, owner.Base+owner.Mask-8*i, 1+i%2*3); err != nil {
			t.Fatal(err)
		}
	}
	if got := len(living(t, r)); got != n/2+1 { // the one that reaches beyond the last id is cut to a byte
		if got != n/2 {
			t.Errorf("%d single bytes, want %d", got, n/2)
		}
	}
}

// in fails the test when f hangs.
func in(t *testing.T, limit time.Duration, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(limit):
		t.Fatalf("no end after %v", limit)
	}
}

// A lock over all ids denies joining: as an error, not as an endless search for a free id.
func TestJoiningIsDenied(t *testing.T) {
	for _, joined := range []bool{false, true} {
		r := newRoom(t)
		undo := owner.Draw(77, joined)
		if err := readLock(stranger(t, r), owner.Base, 0); err != nil {
			t.Fatal(err)
		}
		in(t, 5*time.Second, func() {
			if _, err := sit(r.path); !errors.Is(err, owner.ErrTaken) {
				t.Errorf("joined %v: %v", joined, err)
			}
		})
		if owner.ID() != 77 {
			t.Error("a failed claim has changed the id")
		}
		undo()
	}
}

func TestCollision(t *testing.T) {
	r := newRoom(t)
	_, id := r.member(t, proctest.Attr{})
	undo := owner.Draw(id, false) // nothing joined yet: draw again
	mem, err := sit(r.path)
	if err != nil {
		t.Fatal(err)
	}
	second := owner.ID()
	if second == id || !r.alive(second) {
		t.Errorf("drawn %d again, or not locked", second)
	}
	unix.Munmap(mem)
	undo()
	undo = owner.Draw(id, true) // words name it already: refuse
	defer undo()
	if _, err := sit(r.path); !errors.Is(err, owner.ErrTaken) {
		t.Errorf("the id of another: %v", err)
	}
	if owner.ID() != id {
		t.Error("the id has changed although a segment was joined")
	}
}

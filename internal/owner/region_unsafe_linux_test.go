package owner_test

import (
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/shmkit/shmkit/internal/owner"
	"github.com/shmkit/shmkit/internal/proctest"
)

// Somebody closes our descriptor by mistake, and its number is given to another file, where nobody holds
// the byte: that is no proof of a death.
func TestAnotherFileUnderOurNumber(t *testing.T) {
	r := newRoom(t)
	p, id := r.member(t, proctest.Attr{})
	other, err := os.Open(newFile(t))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	saved, err := unix.FcntlInt(uintptr(r.query), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(saved)
	ask := func(what string, want bool) {
		t.Helper()
		if r.alive(id) != want {
			t.Errorf("%s: alive is not %v", what, want)
		}
	}
	become := func(fd int) {
		t.Helper()
		if err := unix.Dup3(fd, r.query, unix.O_CLOEXEC); err != nil {
			t.Fatal(err)
		}
	}
	become(int(other.Fd()))
	ask("another file, member alive", true)
	become(saved)
	ask("our file, member alive", true)
	p.Zombie()
	ask("our file, member dead", false)
	become(int(other.Fd()))
	ask("another file, member dead", true)
	unix.Close(r.query)
	ask("no file, member dead", true)
	become(saved)
	ask("our file again", false)
}

func TestAliveOutsideOfRegions(t *testing.T) {
	r := newRoom(t)
	var heap uint64
	for what, alive := range map[string]bool{
		"nobody":         r.alive(0),
		"myself":         r.alive(owner.ID()),
		"heap":           owner.Alive(unsafe.Pointer(&heap), 5),
		"behind the end": owner.Alive(unsafe.Add(unsafe.Pointer(&r.mem[0]), len(r.mem)), 5),
	} {
		if !alive {
			t.Errorf("%s is dead", what)
		}
	}
	for _, at := range []int{0, len(r.mem) - 1} {
		if owner.Alive(unsafe.Pointer(&r.mem[at]), 5) {
			t.Errorf("at %d: a process that never was is alive", at)
		}
	}
}

// neighbours are stretches of one piece of memory, with gaps between them.
type neighbours struct {
	mem   []byte
	width int
}

func (n neighbours) at(i int) []byte { return n.mem[2*i*n.width : (2*i+1)*n.width] }

func (n neighbours) inside(i, off int) unsafe.Pointer { return unsafe.Pointer(&n.mem[2*i*n.width+off]) }

func TestFindAmongMany(t *testing.T) {
	f, err := os.Open(newFile(t))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const n = 300
	all := neighbours{make([]byte, 2*n*64), 64}
	regions := make([]*owner.Region, n)
	for _, i := range rand.Perm(n) {
		if regions[i], err = owner.Attach(all.at(i), int(f.Fd())); err != nil {
			t.Fatal(err)
		}
	}
	check := func(there func(int) bool) {
		t.Helper()
		for i, r := range regions {
			for _, off := range []int{0, 63} {
				if got := owner.Find(all.inside(i, off)); (got == r) != there(i) || (got == nil) == there(i) {
					t.Fatalf("%d+%d: found %p, it is %p, %v", i, off, got, r, there(i))
				}
			}
			if owner.Find(all.inside(i, 64)) != nil {
				t.Fatalf("found something in the gap behind %d", i)
			}
		}
	}
	check(func(int) bool { return true })
	for i := 0; i < n; i += 3 {
		regions[i].Detach()
		regions[i].Detach() // twice is once
	}
	check(func(i int) bool { return i%3 != 0 })
	for _, r := range regions {
		r.Detach()
	}
	check(func(int) bool { return false })
}

func TestAttachDetachFindAtOnce(t *testing.T) {
	f, err := os.Open(newFile(t))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const n, rounds = 8, 200
	all := neighbours{make([]byte, 2*n*64), 64}
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			for k := range rounds {
				r, err := owner.Attach(all.at(i), int(f.Fd()))
				if err != nil {
					t.Error(err)
					return
				}
				if owner.Find(all.inside(i, k%64)) != r {
					t.Error("my own region is not there")
				}
				r.Enter()
				if !owner.Alive(all.inside((i+1)%n, 0), owner.ID()) || r.Waiters() != 1 {
					t.Error("waiters, or I, are wrong")
				}
				r.Leave()
				owner.Find(all.inside((i+k)%n, 5)) // comes and goes
				r.Detach()
				if owner.Find(all.inside(i, 0)) != nil {
					t.Error("found what is detached")
				}
			}
		})
	}
	wg.Wait()
}

func TestWaiters(t *testing.T) {
	r := newRoom(t).region
	r.Enter()
	r.Enter()
	r.Leave()
	if r.Waiters() != 1 {
		t.Errorf("%d waiters, want 1", r.Waiters())
	}
	r.Leave()
	var none *owner.Region // a word outside of every segment
	none.Enter()
	none.Leave()
}

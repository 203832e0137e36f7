package sem

import (
	"sync/atomic"
	"unsafe"

	"github.com/shmkit/shmkit/internal/owner"
	"github.com/shmkit/shmkit/internal/park"
)

// cells is a table of claims in shared memory, each of one process:
//
//	63           32 31            3 2  0
//	+--------------+---------------+----+
//	|     note     |     owner     | 0  |
//	+--------------+---------------+----+
//
// What the note says is the primitive's: how often a reader holds, which generation of a barrier has been
// reached. Every move is one compare-and-swap of the whole cell, so no claim is anonymous, not for an
// instant; a claim of a dead process is found by its owner and taken over, or buried, by one more. Whoever
// is killed in the midst of that leaves the cell as it was or as it should be.
//
// RWMutex, BoundedSemaphore, Bounded, Barrier and WaitGroup are built on it.
type cells struct {
	first  *uint64
	n      int
	stride uintptr // in bytes
}

const (
	ownerBits = uint64(owner.Mask) << ownerShift // of a cell
	noteShift = 32
	one       = 1 << noteShift // of a note that counts
)

// mine is a cell of this process, but for its note.
func mine() uint64 { return uint64(owner.Word) }

func isMine(v uint64) bool { return uint32(v) == owner.Word }

// unclaimed reports whether a cell is free, whatever its note.
func unclaimed(v uint64) bool { return uint32(v) == 0 }

func note(v uint64) uint32 { return uint32(v >> noteShift) }

func ownerOf(v uint64) uint32 { return uint32(v&ownerBits) >> ownerShift }

// at is cell i. The table's place and size are the program's, never read from shared memory.
func (c cells) at(i int) *uint64 {
	return (*uint64)(unsafe.Add(unsafe.Pointer(c.first), uintptr(i)*c.stride))
}

// home is where this process begins to look: each elsewhere, so that they meet seldom.
func (c cells) home() int { return int(uint64(owner.ID()) * uint64(c.n) >> owner.Bits) }

// move looks at each cell once, beginning at home, and changes the first that to has a new value for. It
// returns the cell's index, or −1.
func (c cells) move(to func(v uint64) (uint64, bool)) int {
	i := c.home()
	for range c.n {
		p := c.at(i)
		for {
			v := atomic.LoadUint64(p)
			next, ok := to(v)
			if !ok {
				break
			}
			if atomic.CompareAndSwapUint64(p, v, next) {
				return i
			}
		}
		if i++; i == c.n {
			i = 0
		}
	}
	return -1
}

// dead reports whether a cell's owner is dead. It asks the kernel: for slow paths.
func (c cells) dead(v uint64) bool {
	id := ownerOf(v)
	return id != 0 && !owner.Alive(unsafe.Pointer(c.first), id)
}

// bury frees the cells of the dead, whatever their notes, and reports how many: for primitives that need
// nothing but their absence.
func (c cells) bury() int {
	n := 0
	for i := range c.n {
		p := c.at(i)
		if v := atomic.LoadUint64(p); c.dead(v) && atomic.CompareAndSwapUint64(p, v, 0) {
			n++
		}
	}
	return n
}

// stale reports whether a cell names a dead process, for a primitive's Stale.
func (c cells) stale(t *park.Tick) bool {
	j := judge{c: c, tick: t}
	for i := range c.n {
		if j.dead(atomic.LoadUint64(c.at(i))) {
			return true
		}
	}
	return false
}

// judge says of cells, one after the other, whether their owners are dead. It remembers some of the answers, for
// the table may be large and its owners few.
type judge struct {
	c           cells
	tick        *park.Tick // nil: the kernel is asked
	alive, gone [16]uint32 // ids, by their last bits
}

func (j *judge) dead(v uint64) bool {
	id := ownerOf(v)
	i := id % uint32(len(j.alive))
	switch {
	case id == 0 || id == j.alive[i]:
		return false
	case id == j.gone[i]:
		return true
	case j.ask(id):
		j.gone[i] = id
		return true
	}
	j.alive[i] = id
	return false
}

func (j *judge) ask(id uint32) bool {
	if j.tick != nil {
		return j.tick.Dead(unsafe.Pointer(j.c.first), id)
	}
	return !owner.Alive(unsafe.Pointer(j.c.first), id)
}

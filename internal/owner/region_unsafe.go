package owner

import (
	"slices"
	"sync"
	"sync/atomic"
	"unsafe"
)

// Region is the memory of one mapped segment. Slow paths find it by the address of a word, so that a
// lock needs to know nothing but itself.
type Region struct {
	lo, hi  uintptr
	query   int  // a description without claims, to ask through
	file    file // what query must still show for "dead" to count
	waiters atomic.Int64
}

// regions is the process table: sorted by address, replaced as a whole, so that readers need no lock.
var regions struct {
	sync.Mutex
	sorted atomic.Pointer[[]*Region]
}

// Attach enters the mapping mem into the process table. Liveness inside is asked through the
// description query, which the caller keeps open until after Detach.
func Attach(mem []byte, query int) (*Region, error) {
	f, err := fileOf(query)
	if err != nil {
		return nil, err
	}
	lo := uintptr(unsafe.Pointer(unsafe.SliceData(mem)))
	r := &Region{lo: lo, hi: lo + uintptr(len(mem)), query: query, file: f}
	replace(func(s []*Region) []*Region {
		i, _ := slices.BinarySearchFunc(s, lo, func(r *Region, p uintptr) int { return cmp(r.lo, p) })
		return slices.Insert(s, i, r)
	})
	return r, nil
}

// Detach takes the region out of the process table, before it is unmapped.
func (r *Region) Detach() {
	replace(func(s []*Region) []*Region {
		return slices.DeleteFunc(s, func(x *Region) bool { return x == r })
	})
}

func replace(edit func([]*Region) []*Region) {
	regions.Lock()
	defer regions.Unlock()
	var old []*Region
	if p := regions.sorted.Load(); p != nil {
		old = slices.Clone(*p)
	}
	s := edit(old)
	regions.sorted.Store(&s)
}

// Find returns the region that p lies in, or nil.
func Find(p unsafe.Pointer) *Region {
	s := regions.sorted.Load()
	if s == nil {
		return nil
	}
	a := uintptr(p)
	i, ok := slices.BinarySearchFunc(*s, a, func(r *Region, a uintptr) int {
		if a >= r.lo && a < r.hi {
			return 0
		}
		return cmp(r.lo, a)
	})
	if !ok {
		return nil
	}
	return (*s)[i]
}

func cmp(a, b uintptr) int {
	if a < b {
		return -1
	}
	if a > b {
		return 1
	}
	return 0
}

// Enter counts a goroutine that is about to park on a word of the region; Leave takes it back. Both
// accept nil.
func (r *Region) Enter() {
	if r != nil {
		r.waiters.Add(1)
	}
}

// Leave undoes Enter.
func (r *Region) Leave() {
	if r != nil {
		r.waiters.Add(-1)
	}
}

// Waiters is the number of goroutines of this process that are parked on words of the region.
func (r *Region) Waiters() int { return int(r.waiters.Load()) }

// Alive reports whether the process id, found in a word at p, is alive. It costs a system call
// (half a microsecond) unless it is this process, and errs to the side of life: a word outside every
// region, a query that fails, a descriptor that somebody closed under us, all say alive.
func Alive(p unsafe.Pointer, id uint32) bool {
	if id == 0 || id == ID() {
		return true
	}
	r := Find(p)
	return r == nil || r.Alive(id)
}

// Alive reports whether the process id is in the segment. The descriptor number may meanwhile belong to
// another file, where nobody holds our byte: so a death counts only between two looks at what it shows.
func (r *Region) Alive(id uint32) bool {
	if !r.free(id) {
		return true
	}
	return !(r.shown() && r.free(id) && r.shown())
}

func (r *Region) free(id uint32) bool {
	at := int64(base) + int64(id)
	_, n, err := held(r.query, at, at+1)
	return err == nil && n == 0
}

func (r *Region) shown() bool {
	f, err := fileOf(r.query)
	return err == nil && f == r.file
}

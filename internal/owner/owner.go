// Package owner answers the two questions of every recovery: who am I, and is that one alive?
//
// A process draws one random, non-zero id of 29 bits. In every segment that it joins it locks the byte
// base+id of the segment's own file with an open-file-description lock (fcntl F_OFD_SETLK), before it
// touches the memory. The mapping is made through that description and the descriptor is closed, so
// the mapping alone holds the lock: the kernel frees the byte when the mapping is gone, be it by
// munmap, exit, exec or SIGKILL, and not a moment sooner. Then no thread of that process can still
// write, and what it held may be taken over without fencing it off.
//
// Rejected, because each is wrong somewhere: POSIX F_SETLK (any close of any descriptor of the file
// drops it), heartbeats and leases (a stopped process is not dead), kill(pid, 0) (zombies, reused pids,
// PID namespaces), a table of participants (needs sweeping, and a counter that can be scribbled on).
//
// A word may outlive its owner and name a newcomer that drew the same id, with probability 2^-29; who
// waits for it then merely waits for the newcomer's end.
package owner

import (
	"errors"
	"math/rand/v2"
	"sync"
)

// Bits is the width of an id: lock words keep three bits for themselves.
const Bits = 29

// Mask selects an id.
const Mask = 1<<Bits - 1

// base is the first byte of the range of liveness bytes. Nothing is stored there: no segment is a
// terabyte long.
const base = 1 << 40

// ErrTaken says that the byte of the process's id is locked already: by a process with the same id, once
// in 2^29 joins, and only if this one is in another segment already, or it would have drawn again; or by
// somebody who can read the file and bars all ids with one lock.
var ErrTaken = errors.New("another process in this segment has drawn the same id, or bars all: start this process again; if that does not help, see who locks the file in /proc/locks")

// draws bounds the search for a free id. Honest ids do not collide twice.
const draws = 8

// Word is this process's id in the place where lock words keep it, above three bits. It changes only
// before the first Claim has succeeded.
var Word = draw() << 3

var join struct {
	sync.Mutex
	fixed bool // a segment has been joined: the id is in lock words and must not change
}

// ID returns this process's id: not zero, below 1<<Bits.
func ID() uint32 { return Word >> 3 }

func draw() uint32 { return 1 + rand.Uint32N(Mask) }

// Offset is where a file's locks and positions name the process id: Claim locks that byte, and Show leaves a
// description's position there.
func Offset(id uint32) int64 { return base + int64(id) }

// FromOffset is the id that an offset names; ok is false if it names none.
func FromOffset(off int64) (id uint32, ok bool) {
	id = uint32(off - base)
	return id, off > base && off <= base+Mask
}

// Show makes this process's id the position of the description fd, which is read and written at given
// offsets only. So a person who may look into this process finds its id in /proc/PID/fdinfo. Nothing
// depends on it.
func Show(fd int) { show(fd, Offset(ID())) }

// Claim locks this process's byte through the open file description fd, which the caller then maps
// and closes. It must come before the first touch of the memory, and for a new file before it has a
// name: who finds the word of a process finds its lock.
func Claim(fd int) error {
	join.Lock()
	defer join.Unlock()
	id := ID()
	for range draws {
		taken, err := lock(fd, id)
		switch {
		case err != nil:
			return err
		case !taken:
			if id != ID() {
				Word = id << 3
			}
			join.fixed = true
			return nil
		case join.fixed:
			return ErrTaken
		}
		id = draw()
	}
	return ErrTaken
}

// Living returns the ids of the live processes in the file open at fd, which must not be a description
// that holds a claim. It gives up counting at a million.
func Living(fd int) ([]uint32, error) {
	return living(fd, base+1, base+Mask+1, nil)
}

// InUse reports whether any live process is in the file open at fd. One system call.
func InUse(fd int) (bool, error) {
	_, n, err := held(fd, base+1, base+Mask+1)
	return n > 0, err
}

const maxLiving = 1 << 20

// living collects the locked bytes of [lo, hi). The kernel reports some lock of a range, not the first
// one, so both sides of it are asked again. A lock longer than a byte is not ours (whoever can read the
// file can place one) and is stepped over.
func living(fd int, lo, hi int64, ids []uint32) ([]uint32, error) {
	if lo >= hi || len(ids) >= maxLiving {
		return ids, nil
	}
	start, n, err := held(fd, lo, hi)
	if err != nil || n == 0 {
		return ids, err
	}
	if ids, err = living(fd, lo, start, ids); err != nil {
		return ids, err
	}
	if n == 1 {
		ids = append(ids, uint32(start-base))
	}
	return living(fd, start+n, hi, ids)
}

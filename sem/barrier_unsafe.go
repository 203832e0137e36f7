package sem

import (
	"context"
	"fmt"
	"sync/atomic"
	"unsafe"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/owner"
	"github.com/shmkit/shmkit/internal/race"
)

// MaxParties is the most parties that a Barrier has.
const MaxParties = 64

// Barrier lets a fixed number of parties, goroutines of any processes, wait for each other, again and
// again: Python's multiprocessing.Barrier. 576 bytes; needs Init; not to be copied.
//
// A round breaks, and Wait returns ErrBroken to all its parties, if one of them dies, gives up because its
// context ends, or if the action fails or panics; Abort breaks it too. Then the barrier stays broken until
// Reset. Who dies is noticed within 100 ms from the moment on at which it is in Wait, or has called Join;
// before that nobody can know that it was a party. The death of one that has left Wait breaks nothing.
// Nobody is ever taken for dead while a thread of it could still run: a stopped party is waited for.
//
// Each party's call of Wait synchronizes before the action, and that before the return of every Wait of
// the same round, in whichever process.
//
// All methods are safe for concurrent use. Outside of a shared segment it works within the process.
//
// The rounds are a sense-reversing barrier's (Hensgen, Finkel and Manber 1988) with a generation for the
// sense, and a claim for each arrival instead of a count, so that every arrival has a name.
type Barrier struct {
	_ noCopy

	// 63           35 34  32 31           3   2   1   0
	// +--------------+------+--------------+---+-------+
	// |    runner    |  0   |     gen      | W | phase |
	// +--------------+------+--------------+---+-------+
	barrier uint64
	parties uint32
	room    bell // for those who wait for a place
	_       [12]uint32
	places  [MaxParties]uint64 // the first parties of them are used; see barrier_word_unsafe.go
}

// Init sets the number of parties, from 1 to MaxParties, and panics at any other. It is called once,
// before anybody else sees b: in Config.Init of its segment.
func (b *Barrier) Init(parties int) {
	if parties < 1 || parties > MaxParties {
		panic(fmt.Sprintf("sem: Barrier.Init(%d): a barrier has 1 to %d parties", parties, MaxParties))
	}
	atomic.StoreUint32(&b.parties, uint32(parties))
}

// Wait waits until all parties are in Wait. It returns a number from 0 to Parties−1, another one to each
// party, or −1 and an error.
//
// One of the parties, mostly the last to come, then runs its action, if it has one, while the others wait:
// give all the same. If action returns an error, Wait returns that error to its party; if action panics
// the panic goes on; in both cases the others get ErrBroken.
//
// If ctx ends first, Wait returns ctx's error and breaks the barrier for all others, for the round cannot
// be completed any more; one that has not found a place yet (more than Parties are there) leaves it as it
// is. A context that has ended already does not fail the last party to come. A running action is not
// stopped by any context.
//
// Before Init the error is ErrUninitialized.
func (b *Barrier) Wait(ctx context.Context, action func() error) (int, error) {
	c, err := b.table()
	if err != nil {
		return -1, err
	}
	i := enter(c)
	if i < 0 {
		if i, err = b.findPlace(ctx, c); err != nil {
			return -1, err
		}
	}
	defer b.leave(c, i) // also when the action panics
	if race.Enabled {
		race.Release(unsafe.Pointer(b))
	}
	r := round{b: b, c: c, action: action}
	if !r.arrive(i) {
		return -1, ErrBroken
	}
	if err := r.meet(ctx); err != nil {
		return -1, err
	}
	if race.Enabled {
		race.Acquire(unsafe.Pointer(b))
	}
	return i, nil
}

// Join makes this process a party before it is in Wait: if it ends, however it ends, before it has called
// Wait, the round breaks. Each Join stands for one coming Wait of this process, whichever goroutine calls
// it, also when the barrier has been reset meanwhile.
//
// It does not wait. It is an error if all places are taken, by parties that have joined or are in Wait.
// Before Init the error is ErrUninitialized.
func (b *Barrier) Join() error {
	c, err := b.table()
	if err != nil {
		return err
	}
	if c.move(join) >= 0 {
		return nil
	}
	b.sweep(c)
	if v := b.load(); broken(v) {
		b.bury(c, v)
	}
	if c.move(join) >= 0 {
		return nil
	}
	return fmt.Errorf("sem: Barrier.Join: all %d places are taken: there are more parties than that, or a Join without a Wait", c.n)
}

// Abort breaks the barrier: all who wait, and all who come until Reset, get ErrBroken. An action that
// runs is not stopped.
func (b *Barrier) Abort() {
	for {
		if v := b.load(); broken(v) || b.shatter(v) {
			return
		}
	}
}

// Reset makes the barrier as new: who waits gets ErrBroken, who comes from now on starts the next round.
// What the dead have left is removed; parties that have joined and live still are parties. Several calls
// at the same time may count as one.
func (b *Barrier) Reset() {
	b.Abort()
	b.renew()
}

// Broken reports whether the barrier is broken.
func (b *Barrier) Broken() bool { return broken(b.load()) }

// Parties is the number of parties; 0 before Init.
func (b *Barrier) Parties() int { return int(atomic.LoadUint32(&b.parties)) }

// Waiting is the number of parties that wait at this moment.
func (b *Barrier) Waiting() (n int) {
	v := b.load()
	c, err := b.table()
	if err != nil || broken(v) {
		return 0
	}
	for i := range c.n {
		if p := atomic.LoadUint64(c.at(i)); !unclaimed(p) && note(p) == arrived(genOf(v)) {
			n++
		}
	}
	return n
}

// table is the places in use. Their number lies in shared memory, so it is loaded once and checked.
func (b *Barrier) table() (cells, error) {
	n := atomic.LoadUint32(&b.parties)
	switch {
	case n == 0:
		return cells{}, ErrUninitialized
	case n > MaxParties:
		return cells{}, fmt.Errorf("sem: Barrier: %d parties, and there are places for %d: %w", n, MaxParties, abi.ErrCorrupt)
	}
	return cells{first: &b.places[0], n: int(n), stride: unsafe.Sizeof(b.places[0])}, nil
}

func (b *Barrier) load() uint64 { return atomic.LoadUint64(&b.barrier) }

// word is what the parties sleep on: the half of the state with gen, W and phase.
func (b *Barrier) word() *uint32 { return (*uint32)(unsafe.Pointer(&b.barrier)) }

// runnerDead reports whether the process that runs the action has died.
func (b *Barrier) runnerDead(v uint64) bool {
	return running(v) && !owner.Alive(unsafe.Pointer(b), runnerOf(v))
}

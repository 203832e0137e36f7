package sem

import (
	"context"
	"fmt"
	"math"
	"sync/atomic"
	"unsafe"

	"github.com/shmkit/shmkit/internal/race"
)

// WaitGroup waits until work that others do is over: sync.WaitGroup for the goroutines of all processes that
// share its memory. 528 bytes, ready when zeroed, not to be copied.
//
// Work is told in two ways, and Wait waits for the end of both. Who hands it out calls Add, and whoever has
// done it calls Done, in any process: these counts belong to nobody, and what a process that dies has not
// done is waited for, for ever. Or the worker itself calls Enter and Leave: that is counted for each process,
// and a process that dies has left; Wait notices that within 100 ms.
//
// To hand work over, enter before the other leaves, or is done: if somebody is inside at all times, or
// counted, Wait does not return.
//
// There are 64 claims, for as many processes at once, each inside as often as it likes; Enter in one more waits.
// (A process takes a second claim when one that it comes to sooner is free again while it still is inside.)
//
// Done and Leave synchronize before the return of a Wait that they let go, in whichever process. What a
// process has written that died inside is there, but nothing says how much of it.
//
// All methods are safe for concurrent use. Outside of a shared segment it works within the process.
type WaitGroup struct {
	_ noCopy

	// 63          32 31          0
	// +-------------+-------------+
	// |   entries   |    count    |    entries: every Add and Enter, modulo 2^32
	// +-------------+-------------+
	waitgroup uint64
	over      bell       // for those in Wait
	room      bell       // for those in Enter
	inside    [64]uint64 // claims; the note is how often the process is inside
}

// Add adds n, which may be negative, to the count of work to be done. It panics, and changes nothing, if
// the count would go below zero or above math.MaxInt32: that is a bug in the caller, or a peer has
// scribbled over the word.
func (g *WaitGroup) Add(n int) {
	if race.Enabled && n < 0 {
		race.Release(unsafe.Pointer(g))
	}
	tails := &siteOf(unsafe.Pointer(g)).tails // see Wait
	tails.RLock()
	defer tails.RUnlock()
	for {
		v := g.load()
		count := int64(uint32(v))
		sum := count + int64(n) // below zero also where it overflows
		if sum < 0 || sum > math.MaxInt32 {
			panic(fmt.Sprintf("sem: WaitGroup.Add(%d): the count is %d, and stays between 0 and %d", n, count, math.MaxInt32))
		}
		to := v&^countBits | uint64(sum)
		if n > 0 {
			to += entry
		}
		if !atomic.CompareAndSwapUint64(&g.waitgroup, v, to) {
			continue
		}
		if sum == 0 && n != 0 {
			g.settle()
		}
		return
	}
}

// Done takes one from the count. It panics, and changes nothing, if the count is zero.
func (g *WaitGroup) Done() { g.Add(-1) }

// Enter says that this process works, until Leave or its death. It may be called any number of times, and
// from any goroutine. It waits only while others have all 64 claims.
func (g *WaitGroup) Enter() {
	if !g.come() {
		g.awaitRoom()
	}
}

// Leave takes one Enter of this process back. It panics if there is none: that is a bug in the caller, or
// a peer has scribbled over the claim.
func (g *WaitGroup) Leave() {
	if race.Enabled {
		race.Release(unsafe.Pointer(g))
	}
	tails := &siteOf(unsafe.Pointer(g)).tails // see Wait
	tails.RLock()
	defer tails.RUnlock()
	i := g.table().move(fewer)
	if i < 0 {
		panic("sem: Leave of a WaitGroup that this process has not entered")
	}
	if unclaimed(atomic.LoadUint64(&g.inside[i])) {
		g.settle()
		g.room.ring(all)
	}
}

// Wait waits until the count is zero and no living process is inside, all at one moment; not each such
// moment is seen, if it is short. If ctx ends first Wait returns ctx's error. A context that has ended
// already does not fail a call that need not wait.
//
// Once Wait has returned, no Done or Leave of this process that it waited for touches the memory any more: it
// may be closed.
func (g *WaitGroup) Wait(ctx context.Context) error {
	if !g.quiet() && !siteOf(unsafe.Pointer(g)).Spin(g.quiet) {
		if err := g.wait(ctx); err != nil {
			return err
		}
	}
	siteOf(unsafe.Pointer(g)).ends()
	if race.Enabled {
		race.Acquire(unsafe.Pointer(g))
	}
	return nil
}

func (g *WaitGroup) load() uint64 { return atomic.LoadUint64(&g.waitgroup) }

func (g *WaitGroup) table() cells {
	return cells{first: &g.inside[0], n: len(g.inside), stride: unsafe.Sizeof(g.inside[0])}
}

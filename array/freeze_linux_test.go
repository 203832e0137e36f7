package array_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/shmkit/shmkit/array"
	"github.com/shmkit/shmkit/internal/killstep"
)

// Frozen at any instruction, for several slices, a writer keeps the stripes that it has locked: who wants them waits until it goes on,
// and then both changes are there, each whole, in one order or the other.
func TestFrozenAnywhere(t *testing.T) {
	aslice(t)
	for deed, d := range adeeds {
		if d.from == d.to {
			continue
		}
		t.Run(deed, func(t *testing.T) {
			p := newPair(t)
			var done chan struct{}
			killstep.Run(t, killstep.Config{
				Victim: "array victim",
				Points: apoints(12),
				Action: killstep.Freeze,
				Args:   append(p.texts(t), deed),
				Prepare: func() []string {
					p.n.WriteAt(slices.Repeat([]int32{1}, cells), 0)
					p.w.WriteAt(slices.Repeat([]triple{thrice(1)}, triples), 0)
					return nil
				},
				Check: func(killstep.Point) error {
					c := make(chan struct{})
					done = c
					go func() {
						defer close(c)
						p.w.WriteAt(slices.Repeat([]triple{thrice(7)}, triples), 0)
						p.n.WriteAt(slices.Repeat([]int32{7}, cells), 0)
					}()
					time.Sleep(4 * short)
					for i := range cells { // waits for nobody
						if x := p.n.Load(i); x != 1 && x != 2 && x != 7 {
							return fmt.Errorf("cell %d is %d", i, x)
						}
					}
					return nil
				},
				After: func(killstep.Point) error { return p.thawed(done, d.from, d.to) },
			})
		})
	}
}

// thawed knows that our sevens are everywhere but, perhaps, in the victim's range, where all are twos or all sevens.
func (p apair) thawed(done chan struct{}, from, to int) error {
	select {
	case <-done:
	case <-time.After(ever / 3):
		return errors.New("who waited for the frozen one waits still")
	}
	for s, bytes := range [][]byte{array.Words(p.n), array.Words(p.w)} {
		for i := range 3 {
			if bytes[256*i+128]&1 != 0 {
				return fmt.Errorf("array %d, stripe %d: a holder was taken for dead", s, i)
			}
		}
	}
	n, w := make([]int32, cells), make([]triple, triples)
	p.n.ReadAt(n, 0)
	p.w.ReadAt(w, 0)
	if to-from == 1 && n[from] == 3 { // added to ours, or before it
		n[from] = 2
	}
	if to-from == 1 && n[from] == 8 {
		n[from] = 2
	}
	return errors.Join(uniform(n, from, to, 7, 2), uniform(w, from, to, thrice(7), thrice(2)))
}

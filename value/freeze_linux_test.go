package value_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/shmkit/shmkit/internal/killstep"
	"github.com/shmkit/shmkit/value"
)

// Frozen at any instruction, for several slices, a process keeps what it holds: the value is old or new, who loads waits for nobody,
// who wants the lock gets it from nobody but its holder, and when the holder goes on neither change is lost.
func TestFrozenAnywhere(t *testing.T) {
	vslice(t)
	for _, deed := range []string{"add", "update", "store 64", "swap 64", "update 64"} {
		t.Run(deed, func(t *testing.T) {
			n, w := vnew(t, int64(1)), vnew(t, all(1))
			var changed [2]bool // by us, while it is frozen
			killstep.Run(t, killstep.Config{
				Victim: "value victim",
				Points: vpoints(12),
				Action: killstep.Freeze,
				Args:   []string{vtext(t, n), vtext(t, w), deed},
				Prepare: func() []string {
					n.Store(1)
					w.Store(all(1))
					return nil
				},
				Check: func(at killstep.Point) (err error) {
					changed, err = vfrozen(n, w)
					return err
				},
				After: func(killstep.Point) error { return vthawed(n, w, deed, changed) },
			})
		})
	}
}

// vfrozen changes the values if it may.
func vfrozen(n *value.Value[int64], w *value.Value[wide]) (changed [2]bool, err error) {
	if x, y := n.Load(), w.Load(); x != 1 && x != 2 || !y.whole() || y[0] != 1 && y[0] != 2 {
		return changed, fmt.Errorf("%d and %v", x, y)
	}
	for i, change := range []func(context.Context) error{
		func(ctx context.Context) error { return n.UpdateContext(ctx, func(x *int64) { *x += 10 }) },
		func(ctx context.Context) error {
			return w.UpdateContext(ctx, func(x *wide) { *x = all(x[0] + 10) })
		},
	} {
		ctx, cancel := context.WithTimeout(context.Background(), 4*short)
		err := change(ctx)
		cancel()
		if changed[i] = err == nil; err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return changed, err
		}
	}
	return changed, nil
}

// vthawed knows that an update adds up with ours, whichever came first, and that a store may cover ours, whole.
func vthawed(n *value.Value[int64], w *value.Value[wide], deed string, changed [2]bool) error {
	ours := [2]int64{}
	for i, c := range changed {
		if c {
			ours[i] = 10
		}
	}
	x, y := n.Load(), w.Load()
	if !y.whole() {
		return fmt.Errorf("torn: %v", y)
	}
	wantX, wantY := []int64{1 + ours[0]}, []int64{1 + ours[1]}
	switch deed {
	case "add", "update":
		wantX = []int64{2 + ours[0]}
	case "update 64", "store 64", "swap 64": // these updates set 2 too
		wantY = []int64{2, 2 + ours[1]}
	}
	if !slices.Contains(wantX, x) || !slices.Contains(wantY, y[0]) {
		return fmt.Errorf("%d and %d, want one of %v and of %v; we have changed %v", x, y[0], wantX, wantY, changed)
	}
	if ctl := value.Ctl(w); ctl.Mutex&1 != 0 {
		return errors.New("a holder was taken for dead")
	}
	return nil
}

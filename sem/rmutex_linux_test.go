package sem_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/killstep"
)

func init() {
	acts["rlock"] = func(y *yard) error {
		o := y.R.Owner()
		return marked(func() error { o.Lock(); o.Lock(); return nil })
	}
	acts["runlock"] = func(y *yard) error {
		o := y.R.Owner()
		o.Lock()
		o.Lock()
		y.Runs[0].Store(1)
		if y.Stop.Load() == 0 {
			until(func() bool { return y.get(rmutexAt)&bitW != 0 })
		}
		return marked(func() error { o.Unlock(); o.Unlock(); return nil })
	}
}

// Killed at each point of locking and unlocking twice, with a sleeper and without: the next owner gets it,
// abandoned if the victim held it.
func TestKillRMutex(t *testing.T) {
	for _, act := range []string{"rlock", "runlock", "runlock beside a sleeper"} {
		t.Run(act, func(t *testing.T) {
			y, text := newYard(t, short)
			var p pace
			sleeper := act == "runlock beside a sleeper"
			var got <-chan error
			lock := func() error {
				ctx, cancel := context.WithTimeout(context.Background(), ever)
				defer cancel()
				o := y.R.Owner()
				if err := o.LockContext(ctx); err != nil {
					return err
				}
				defer o.Unlock()
				if o.Abandoned() {
					y.Runs[1].Add(1)
					o.Repaired()
				}
				if y.get(depthAt) != 1 || o.Depth() != 1 {
					return fmt.Errorf("depth %d, and for others %d", o.Depth(), y.get(depthAt))
				}
				return nil
			}
			k := sweep(y, text, act[:min(len(act), 7)], func() {
				if sleeper {
					got = background(func() error { until(func() bool { return y.Runs[0].Load() != 0 }); return lock() })
				} else {
					y.Stop.Store(1)
				}
			})
			if k.Args[1] == "rlock" || !sleeper {
				k.Points, k.Sample = killstep.Distinct, 6
			} else {
				k.Points = killstep.Random(killstep.Budget(40), uint64(time.Now().UnixNano()))
			}
			k.Check = func(at killstep.Point) error {
				held := byOther(y.get(rmutexAt))
				if !sleeper {
					got = background(lock)
				}
				if err := p.returns(got, "the next owner"); err != nil {
					return err
				}
				if !sleeper && held != (y.Runs[1].Load() == 1) {
					return fmt.Errorf("held by a dead one: %v, abandoned %d times", held, y.Runs[1].Load())
				}
				return p.returns(background(lock), "one more")
			}
			killstep.Run(t, k)
			p.judge(t)
		})
	}
}

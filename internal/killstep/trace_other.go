//go:build !(linux && amd64)

package killstep

import (
	"errors"
	"runtime"
	"time"
)

type trace struct {
	v       *victim
	stepped int
	took    time.Duration
}

func unsupported() string {
	return "single-stepping needs Linux on amd64, this is " + runtime.GOOS + " on " + runtime.GOARCH
}

func newTrace(_ *sweep, v *victim, _ int) *trace { return &trace{v: v} }
func (t *trace) to(target) (outcome, error)      { return outcome{}, errors.ErrUnsupported }
func (t *trace) resume(time.Duration) error      { return errors.ErrUnsupported }
func (t *trace) kill()                           {}

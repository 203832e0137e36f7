//go:build !linux

package hold

import (
	"context"
	"errors"
)

func inherited(int) (int, error) { return -1, errors.ErrUnsupported }
func closeFD(int) error          { return nil }

// Signals does nothing here.
type Signals struct{}

// Catch does nothing here.
func Catch() (context.Context, *Signals) { return context.Background(), new(Signals) }

// Caught returns 0.
func (*Signals) Caught() int { return 0 }

// Die does nothing here.
func (*Signals) Die() {}

// Run answers errors.ErrUnsupported.
func (*Signals) Run([]string, []string, func()) (int, error) { return 0, errors.ErrUnsupported }

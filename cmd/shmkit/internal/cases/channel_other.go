//go:build !linux

package cases

import (
	"errors"
	"os"
)

func socketPair() (a, b *os.File, err error) { return nil, nil, errors.ErrUnsupported }
func readable(*os.File) bool                 { return false }

type spinner struct{}

func newSpinner([]*os.File) (spinner, error) { return spinner{}, errors.ErrUnsupported }
func (spinner) Read([]byte) (int, error)     { return 0, errors.ErrUnsupported }
func (spinner) Write([]byte) (int, error)    { return 0, errors.ErrUnsupported }
func flock(int, int) error                   { return errors.ErrUnsupported }

const lockExclusive, lockShared, lockNone = 0, 0, 0

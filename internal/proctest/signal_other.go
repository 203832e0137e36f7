//go:build !linux

package proctest

import (
	"errors"
	"os"
	"syscall"
)

func self() string {
	exe, _ := os.Executable()
	return exe
}

func dieWithParent(*syscall.SysProcAttr) {}
func stop(int) error                     { return errors.ErrUnsupported }
func cont(int) error                     { return errors.ErrUnsupported }
func awaitDeath(int) error               { return errors.ErrUnsupported }

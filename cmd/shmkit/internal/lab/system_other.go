//go:build !linux

package lab

import (
	"errors"
	"os"
	"os/exec"
)

func sharedFile(int) (*os.File, error)      { return nil, errors.ErrUnsupported }
func mapFile(*os.File, int) ([]byte, error) { return nil, errors.ErrUnsupported }
func unmap([]byte)                          {}
func monotonic() uint64                     { return 0 }
func usableCPUs() []int                     { return nil }
func onCPU(_ int, f func() error) error     { return f() }
func start(cmd *exec.Cmd, _ int) error      { return cmd.Start() }

// Roam answers errors.ErrUnsupported.
func Roam(int) error { return errors.ErrUnsupported }

//go:build !linux

package process

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

const supported = false

func self() string                                   { return os.Args[0] }
func callFile([]byte) (*os.File, error)              { return nil, errors.ErrUnsupported }
func mark([]*os.File) (string, error)                { return "", errors.ErrUnsupported }
func inherit(string) bool                            { return false }
func attributes(*exec.Cmd, *Process)                 {}
func withCPUs(_ []int, f func() error) error         { return f() }
func awaitExit(int)                                  {}
func socketPair() (ours, theirs *os.File, err error) { return nil, nil, errors.ErrUnsupported }
func lifeline() (theirs, ours *os.File, err error)   { return nil, nil, errors.ErrUnsupported }
func arm(*os.File, int) error                        { return errors.ErrUnsupported }
func otherUser(*exec.Cmd) bool                       { return false }
func tie(*os.File) error                             { return errors.ErrUnsupported }
func nice(int) error                                 { return errors.ErrUnsupported }
func endBy(syscall.Signal)                           { os.Exit(1) }
func lines(*os.File) bool                            { return false }
func lockLines(*os.File, int16)                      {}
func affinity() int                                  { return 0 }

const locked, unlocked = 0, 0

//go:build !linux

package owner

import "errors"

type file struct{}

func lock(int, uint32) (bool, error)               { return false, errors.ErrUnsupported }
func show(int, int64)                              {}
func held(int, int64, int64) (int64, int64, error) { return 0, 0, errors.ErrUnsupported }
func fileOf(int) (file, error)                     { return file{}, errors.ErrUnsupported }

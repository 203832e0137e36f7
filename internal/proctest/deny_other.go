//go:build !(linux && (amd64 || arm64))

package proctest

import "errors"

var syscalls map[string]uintptr

func denySyscalls([]uintptr) error { return errors.ErrUnsupported }
func reexec() error                { return errors.ErrUnsupported }

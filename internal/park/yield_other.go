//go:build !linux

package park

import "runtime"

func yield() { runtime.Gosched() }

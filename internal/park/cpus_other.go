//go:build !linux

package park

import "runtime"

func onlineCPUs() int { return runtime.NumCPU() }

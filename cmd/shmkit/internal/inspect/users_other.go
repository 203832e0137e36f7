//go:build !linux

package inspect

func processesOf(uint64, uint64) ([]process, int) { return nil, 0 }

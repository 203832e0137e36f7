//go:build !amd64 && !arm64

package prefetch

// Write does nothing here.
func Write(*uint64, uintptr) {}

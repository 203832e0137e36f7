//go:build amd64 || arm64

package prefetch

// Write asks for the lines of n bytes from p, to be written. It is a hint: it changes nothing and never faults, and
// what lies behind the memory's end may be asked for.
//
//go:noescape
func Write(p *uint64, n uintptr)

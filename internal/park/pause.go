//go:build amd64 || arm64

package park

// Pause tells the CPU n times that this is a polling loop.
//
//go:noescape
func Pause(n uint32)

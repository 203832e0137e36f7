//go:build race || !(linux && amd64)

package fence

// PlainStore is false where Publish is atomic.
const PlainStore = false

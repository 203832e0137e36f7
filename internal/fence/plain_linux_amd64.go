//go:build !race

package fence

// PlainStore is true where Publish is a plain store. Who writes Publish out, because a call would cost it
// its own inlining, branches on this.
const PlainStore = true

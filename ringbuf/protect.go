package ringbuf

// protect runs f with the fault guard armed: a named ring's file can be truncated by whoever may write to
// it, and then f ends where it touched the missing memory, with shm.ErrTruncated.
func (r *ring) protect(f func() error) (err error) {
	if gone := r.seg.Protect(func() { err = f() }); gone != nil {
		return gone
	}
	return err
}

// bulk is the number of bytes from which a copy is worth the guard's 11 ns.
const bulk = 4096

// piece is how much is copied at a time. From 1 MiB on Go's copy goes past the caches on amd64 (stores that are not
// temporal), and whoever reads the message next waits for memory: 1 MiB takes twice as long so.
const piece = 512 << 10

func transfer(dst, src []byte) {
	for len(src) > piece {
		copy(dst[:piece], src[:piece])
		dst, src = dst[piece:], src[piece:]
	}
	copy(dst, src)
}

// move copies a message between private and shared memory, guarded when it is large.
func (r *ring) move(dst, src []byte) error {
	if len(src) < bulk && !r.seg.Guarded() {
		copy(dst, src)
		return nil
	}
	return r.protect(func() error { transfer(dst, src); return nil })
}

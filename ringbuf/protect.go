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

// move copies a message between private and shared memory, guarded when it is large.
func (r *ring) move(dst, src []byte) error {
	if len(src) < bulk && !r.seg.Guarded() {
		copy(dst, src)
		return nil
	}
	return r.protect(func() error { copy(dst, src); return nil })
}

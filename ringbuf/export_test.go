package ringbuf

// Payload is a ring's control block and slots, for tests that watch them or scribble over them.
func Payload[T any](r *SPSC[T]) []byte { return r.r.seg.Payload() }

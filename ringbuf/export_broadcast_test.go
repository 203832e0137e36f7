package ringbuf

// PayloadBroadcast is Payload of a broadcast.
func PayloadBroadcast[T any](b *Broadcast[T]) []byte { return b.r.seg.Payload() }

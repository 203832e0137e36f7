package pipe

// Payload is a pipe's memory, for tests that watch it or scribble over it.
func Payload(c *Conn) []byte { return c.at.Load().p.seg.Payload() }

// DeskPayload is that of a listener.
func DeskPayload(l *Listener) []byte { return l.d.seg.Payload() }

package pipe

// Cred says whose process is at the far end.
type Cred struct{ PID, UID, GID int }

// PeerCred is who is at the far end. That it has used its end is needed: before that the error is ErrEmpty, but never behind Dial or Accept.
//
// How far it can be trusted: the process number is what the peer has written, and is told only if the kernel shows this
// very pipe among that process's open files; user and group are the kernel's word on that process. So the process does have
// the pipe open, and runs as that user. That it, and no other process that has the pipe open too, sends what comes out here
// is the word of those processes; for a pipe that was dialed there are no others unless the two have given the handle away. It
// needs a peer in the same PID namespace whose files this process may look at: the same user's, or any to root.
func (c *Conn) PeerCred() (Cred, error) {
	e := c.at.Load()
	if e == nil {
		return Cred{}, errClosed
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed.Load() {
		return Cred{}, errClosed
	}
	return e.peerCred()
}

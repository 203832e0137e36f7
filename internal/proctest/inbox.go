package proctest

import (
	"sync"
	"time"
)

// inbox keeps what a process said until the test asks for it. It has no limit, so
// that a process never waits for a test that does not listen.
type inbox struct {
	mu     sync.Mutex
	lines  []string
	closed bool
	more   chan struct{} // holds a token when there may be something new
}

func newInbox() *inbox { return &inbox{more: make(chan struct{}, 1)} }

func (b *inbox) add(line string) {
	b.mu.Lock()
	b.lines = append(b.lines, line)
	b.mu.Unlock()
	b.signal()
}

// close says that nothing will be added.
func (b *inbox) close() {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.signal()
}

func (b *inbox) signal() {
	select {
	case b.more <- struct{}{}:
	default:
	}
}

// take returns the next line. It waits up to d for it, and not at all once there
// will be none, which closed tells.
func (b *inbox) take(d time.Duration) (line string, ok, closed bool) {
	for end := time.After(d); ; {
		if line, ok, closed = b.try(); ok || closed {
			return line, ok, closed
		}
		select {
		case <-b.more:
		case <-end:
			return "", false, false
		}
	}
}

func (b *inbox) try() (line string, ok, closed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.lines) == 0 {
		return "", false, b.closed
	}
	line, b.lines = b.lines[0], b.lines[1:]
	return line, true, false
}

package value

import "sync"

// ends are what has to be ended when a handle is closed: calls that wait, and Notify.
type ends struct {
	mu     sync.Mutex
	closed bool
	stops  map[int]func()
	next   int
}

// add begins something and returns what ends it. On a closed handle it is ended at once.
func (e *ends) add(begin func() (end func())) (stop func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	end := begin()
	if e.closed {
		end()
		return func() {}
	}
	id := e.next
	e.next++
	if e.stops == nil {
		e.stops = map[int]func(){}
	}
	e.stops[id] = end
	return func() {
		end()
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.stops, id)
	}
}

// end ends everything, and what comes later.
func (e *ends) end() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	for _, stop := range e.stops {
		stop()
	}
	clear(e.stops)
}

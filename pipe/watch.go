package pipe

import "sync"

// watches are the Notify calls that have not been stopped. They look at the pipe's memory, so Close ends them first.
type watches struct {
	mu    sync.Mutex
	stops map[int]func()
	next  int
}

// add begins a watch, unless its object is closed, and returns what ends it.
func (w *watches) add(begin func() (end func()), closed func() bool) (stop func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if closed() {
		return func() {}
	}
	id := w.next
	w.next++
	end := begin()
	if w.stops == nil {
		w.stops = map[int]func(){}
	}
	w.stops[id] = end
	return func() {
		end()
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.stops, id)
	}
}

// end ends all watches, after the object was marked closed.
func (w *watches) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, stop := range w.stops {
		stop()
	}
	clear(w.stops)
}

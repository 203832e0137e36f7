package park

import "sync"

// Watches are the Notify calls of an object that have not been stopped. They look at its memory, so its Close ends them first.
// The zero Watches is ready.
type Watches struct {
	mu    sync.Mutex
	stops map[int]func()
	next  int
}

// Add begins a watch, unless its object is closed, and returns what ends it.
func (w *Watches) Add(begin func() (end func()), closed func() bool) (stop func()) {
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

// End ends all watches, after the object was marked closed.
func (w *Watches) End() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, stop := range w.stops {
		stop()
	}
	clear(w.stops)
}

package ringbuf

import "sync"

// watches are the Notify calls on a consumer, or on a handle, that have not been stopped. They look at the
// ring's memory, so Close ends them first.
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

// notify is Notify. When the memory goes away under the watcher, a last token makes the caller look.
func (r *reader) notify(ch chan<- struct{}) (stop func()) {
	return r.watch.add(func() func() { return r.r.notEmpty().Notify(ch, r, r.ready) }, r.closed.Load)
}

// unwatch ends all watchers, after closed was set.
func (r *reader) unwatch() { r.watch.end() }

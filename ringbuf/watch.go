package ringbuf

import "sync"

// watches are the Notify calls on a consumer that have not been stopped. They look at the ring's memory, so
// Close ends them first.
type watches struct {
	mu    sync.Mutex
	stops map[int]func()
	next  int
}

// notify is Notify. When the memory goes away under the watcher, a last token makes the caller look.
func (r *reader) notify(ch chan<- struct{}) (stop func()) {
	r.watch.mu.Lock()
	defer r.watch.mu.Unlock()
	if r.closed.Load() {
		return func() {}
	}
	id := r.watch.next
	r.watch.next++
	end := r.r.notEmpty().Notify(ch, r, r.ready)
	if r.watch.stops == nil {
		r.watch.stops = map[int]func(){}
	}
	r.watch.stops[id] = end
	return func() {
		end()
		r.watch.mu.Lock()
		defer r.watch.mu.Unlock()
		delete(r.watch.stops, id)
	}
}

// unwatch ends all watchers, after closed was set.
func (r *reader) unwatch() {
	r.watch.mu.Lock()
	defer r.watch.mu.Unlock()
	for _, stop := range r.watch.stops {
		stop()
	}
	clear(r.watch.stops)
}

package ringbuf

// notify is Notify. When the memory goes away under the watcher, a last token makes the caller look.
func (r *reader) notify(ch chan<- struct{}) (stop func()) {
	return r.watch.Add(func() func() { return r.r.notEmpty().Notify(ch, r, r.ready) }, r.closed.Load)
}

// unwatch ends all watchers, after closed was set.
func (r *reader) unwatch() { r.watch.End() }

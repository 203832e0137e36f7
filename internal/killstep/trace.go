package killstep

import (
	"runtime"
	"sync"
)

// tracer is a thread: to the kernel it is a thread that traces, and only that one
// may ask about the victims.
type tracer struct {
	jobs  chan func()
	close func()
}

func startTracer() *tracer {
	tr := &tracer{jobs: make(chan func())}
	tr.close = sync.OnceFunc(func() { close(tr.jobs) })
	go tr.serve()
	return tr
}

// serve never unlocks its thread, so that it ends with the goroutine, and with it
// (PTRACE_O_EXITKILL) a victim that is left over.
func (tr *tracer) serve() {
	runtime.LockOSThread()
	for job := range tr.jobs {
		job()
	}
}

// do runs f on the tracer's thread.
func (tr *tracer) do(f func() error) error {
	done := make(chan error)
	tr.jobs <- func() { done <- f() }
	return <-done
}

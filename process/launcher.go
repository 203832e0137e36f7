package process

import (
	"runtime"
	"sync"
)

// starter starts processes on a thread of its own, which lives as long as this process. The kernel sends a child's
// death signal when the thread ends that has made it, and Go ends threads: when a goroutine returns that was locked
// to one. And what is set for this thread for a moment, as the CPUs, nobody else sees.
type starter struct{ jobs chan func() }

var launcher = sync.OnceValue(func() *starter {
	s := &starter{make(chan func())}
	go s.serve()
	return s
})

func (s *starter) serve() {
	runtime.LockOSThread()
	for job := range s.jobs {
		job()
	}
}

func (s *starter) do(f func() error) error {
	done := make(chan error)
	s.jobs <- func() { done <- f() }
	return <-done
}

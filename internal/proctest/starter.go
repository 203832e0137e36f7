package proctest

import (
	"os/exec"
	"runtime"
	"sync"
)

// starter starts processes on a thread that lives as long as this process. The
// death signal of a child fires when the thread that made it ends, and a thread of
// Go's may end at any time: when a goroutine returns that was locked to it.
type starter struct {
	jobs chan func()
}

var theStarter = sync.OnceValue(func() *starter {
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

// Launch starts the command on the thread that its death signal needs.
func Launch(cmd *exec.Cmd) error {
	done := make(chan error)
	theStarter().jobs <- func() { done <- cmd.Start() }
	return <-done
}

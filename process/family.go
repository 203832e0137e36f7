package process

import (
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// family is what this process knows of itself and of those next to it.
type family struct {
	current  *Process
	parent   *Process // nil: nobody here has started this process
	id       []int    // numbers of its name
	made     atomic.Int64
	mu       sync.Mutex
	children []*Process

	header header   // of the call that has made this process
	life   *os.File // its end is the parent's death
	gone   func() <-chan struct{}
}

// me is complete when package initialisation is.
var me = &family{current: &Process{Name: "MainProcess", kind: ofCurrent, number: os.Getpid()}}

// Current is this process: MainProcess, or the name that its parent gave it.
func Current() *Process { return me.current }

// Parent is the process that has started this one, or nil in a process that was not started by this package. Its
// Done is closed when it is dead, which only a Detached process lives to see.
func Parent() *Process { return me.parent }

// Children are the children that have been started and have not ended, oldest first. Looking is all it does: who
// has ended is reaped without.
func Children() []*Process {
	me.mu.Lock()
	defer me.mu.Unlock()
	return slices.Clone(me.children)
}

func (f *family) add(p *Process) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.children = append(f.children, p)
}

func (f *family) remove(p *Process) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if i := slices.Index(f.children, p); i >= 0 {
		f.children = slices.Delete(f.children, i, i+1)
	}
}

// nextID numbers children in the order in which they are made.
func (f *family) nextID() []int {
	return append(slices.Clone(f.id), int(f.made.Add(1)))
}

func nameOf(id []int) string {
	s := make([]string, len(id))
	for i, n := range id {
		s[i] = strconv.Itoa(n)
	}
	return "Process-" + strings.Join(s, ":")
}

// adopt makes this process what its parent says it is.
func (f *family) adopt(h header, life *os.File) {
	f.current = &Process{Name: h.Name, Detached: h.Detached, Nice: h.Nice, kind: ofCurrent, number: os.Getpid()}
	f.parent = &Process{Name: h.Parent, kind: ofParent, number: h.ParentPID, up: f}
	f.id, f.life, f.header = h.ID, life, h
	f.gone = sync.OnceValue(f.watchParent)
}

// parentGone costs a thread from the first call on, so nobody pays for it who does not ask.
func (f *family) parentGone() <-chan struct{} { return f.gone() }

func (f *family) watchParent() <-chan struct{} {
	gone := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, f.life)
		close(gone)
	}()
	return gone
}

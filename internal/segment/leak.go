package segment

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync/atomic"
)

var leaks atomic.Int64

// Leaks counts the handles that the collector found unreachable and not closed.
func Leaks() int64 { return leaks.Load() }

// reportLeak is the net under a handle whose memory was handed out. It must not unmap: a *T into the
// mapping does not keep the handle alive, so the memory may be in use. With SHMKIT_LEAKS=1 in the
// environment the leak is also said on standard error.
func reportLeak(label string) {
	leaks.Add(1)
	if os.Getenv("SHMKIT_LEAKS") != "1" {
		return
	}
	fmt.Fprintf(os.Stderr, "shm: a handle of the segment %s was dropped without Close: it stays mapped\n", label)
}

// UnmapWhenUnreachable lets the collector close the handle when it is dropped. It is for objects that
// hand no pointer into the segment out, and end each operation with runtime.KeepAlive. It still counts
// as a leak.
func (s *Segment) UnmapWhenUnreachable() {
	if !s.open() {
		return
	}
	s.cleanup.Stop()
	s.cleanup = runtime.AddCleanup(s, func(m *mapping) {
		leaks.Add(1)
		_ = m.release()
	}, s.m)
}

// Held names the segments that this process has mapped: paths, and "unnamed" for the others.
func Held() []string {
	table.Lock()
	defer table.Unlock()
	var names []string
	for _, m := range table.m {
		names = append(names, m.label)
	}
	slices.Sort(names)
	return names
}

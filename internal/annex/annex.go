// Package annex is how package queue builds on the rings of package ringbuf without a copy of them: what a ring shows to nobody
// else. Its types keep that inside this module.
package annex

import (
	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/segment"
)

// As is a ring of items under another kind of object's flag. It lies in memory as a ring does.
type As struct {
	Kind abi.Kind
	Cap  int                                                // items; 0: whatever is there, or 1024
	Open func(segment.Spec) (s *segment.Segment, err error) // makes it, or finds it
}

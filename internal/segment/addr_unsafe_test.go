package segment

import (
	"unsafe"

	"github.com/shmkit/shmkit/internal/owner"
)

func addr(s *Segment) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(s.m.mem))) }

// region is what the process table of package owner has for the segment's memory.
func region(s *Segment) *owner.Region { return owner.Find(unsafe.Pointer(unsafe.SliceData(s.m.mem))) }

func start(mem []byte) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(mem)) }

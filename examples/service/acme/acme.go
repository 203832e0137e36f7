// Package acme is the contract of the programs that share these objects.
package acme

import (
	"github.com/shmkit/shmkit/ringbuf"
	"github.com/shmkit/shmkit/sem"
	"github.com/shmkit/shmkit/shm"
)

// Stats is what all have counted together.
type Stats struct {
	Mu   sem.Mutex
	Hits int64
}

// Tick is one price.
type Tick struct{ At, Price int64 }

// What the objects are called, and how they are made.
const (
	StatsName = "acme.stats"
	TicksName = "acme.ticks"
)

// Every program opens them by these.
var (
	StatsVar = shm.Config[Stats]{Mem: shm.Mem{Perm: 0o660}}
	Ticks    = ringbuf.SPSCConfig[Tick]{Cap: 4096}
)

// Package cases holds what shmkit bench measures: one small file for each
// primitive or rival.
//
// A file that adds a case defines the roles of its worker processes, which are
// plain loops over the calls that a user would write, and registers a group
// from its init:
//
//	var eventPing = lab.NewRole("event.ping", func(w *lab.Worker) error {
//		v, err := openEvents(w)
//		if err != nil {
//			return err
//		}
//		return w.RoundTrips(func() error { v.there.Set(); return v.back.Wait(ctx) })
//	})
//
//	func init() {
//		lab.Register(lab.Group{
//			Name:   "event/rtt/blocking",
//			Kind:   lab.RoundTrip,
//			Cases:  []lab.Case{{Name: "event/rtt/blocking", Subject: …}},
//			Rivals: kernelRoundTrips(1, blocking),
//		})
//	}
//
// Rivals written in other languages join by the group's name: see bench/peers.
package cases

import (
	"context"

	"github.com/shmkit/shmkit/cmd/shmkit/internal/lab"
)

// ctx never ends: a worker is killed.
var ctx = context.Background()

// burst is how many short steps a loop makes between two counts, few and many
// how many when a step takes a few nanoseconds and when it takes next to none.
const (
	few   = burst / 4
	burst = 128
	many  = 1 << 12
)

// ourCase is a case of shmkit's that is taken in these roles, a process each.
func ourCase(name string, share func(*lab.Stage) error, roles ...lab.Role) lab.Case {
	return lab.Case{Name: name, Subject: lab.Procs{Label: ours, Share: share, Roles: roles}}
}

// askFor registers a group of one case that is measured when asked for.
func askFor(k lab.Kind, c lab.Case, rivals ...lab.Subject) {
	lab.Register(lab.Group{Name: c.Name, Kind: k, Cases: []lab.Case{c}, Rivals: rivals, Asked: true})
}

// inOneProcess is a rival that is no substitute, for it serves the goroutines of
// one process: it says what there is to gain at most.
func inOneProcess(name string, r lab.Role) lab.Subject {
	return lab.Procs{Label: name + ", one process", Roles: []lab.Role{r}}
}

// ours is the name of shmkit's subjects.
const ours = "shmkit"

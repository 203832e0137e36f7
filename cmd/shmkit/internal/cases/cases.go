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

import "context"

// ctx never ends: a worker is killed.
var ctx = context.Background()

// burst is how many short steps a loop makes between two counts.
const burst = 128

// ours is the name of shmkit's subjects.
const ours = "shmkit"

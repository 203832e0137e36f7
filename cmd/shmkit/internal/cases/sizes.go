package cases

import "github.com/shmkit/shmkit/cmd/shmkit/internal/lab"

// streamGroup is a throughput group for messages of size bytes.
func streamGroup(name string, size int, cs ...lab.Case) {
	lab.Register(lab.Group{Name: name, Kind: lab.Messages, Cases: cs, Rivals: kernelStreams(size)})
}

// echoGroup is a round-trip group for messages of size bytes.
func echoGroup(name string, size int, how string, subject lab.Subject) {
	lab.Register(lab.Group{
		Name:   name,
		Kind:   lab.RoundTrip,
		Cases:  []lab.Case{{Name: name, Subject: subject}},
		Rivals: kernelRoundTrips(size, how),
	})
}

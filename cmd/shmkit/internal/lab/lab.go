// Package lab measures one way of doing a thing beside other ways of doing it.
//
// A [Subject] is one way: shmkit's, a pipe's, a C++ program's. A [Group] is
// what they all do, so that they can be compared. A [Plan] runs groups several
// times over, subject after subject and then all of them again, so that a slow
// minute of the machine hits everybody. Each sample is taken in processes of
// its own, which are killed at its end.
//
// The two CPUs of a virtual machine are moved about by its host: at one time
// they share a cache, at another they do not, and the same code is then up to
// ten times slower. So the time that a cache line takes from one CPU to the
// other and back is measured just before and just after every sample, and two
// samples are compared only if they saw the machine in the same [State].
package lab

import "time"

// Lab is a place to take samples: which CPUs to use and for how long.
type Lab struct {
	// CPUs are where the workers of a sample run, the first on the first. With
	// fewer than two nothing is pinned and no State is known.
	CPUs []int
	// Warm passes before the counters are read for the first time.
	Warm time.Duration
	// Window passes between the two readings.
	Window time.Duration
	// Command starts a worker process: the program and the arguments that come
	// before those of [Main].
	Command []string

	line *calibrator
}

// New gives a Lab on the first two CPUs that this process may use. Close ends
// the process that it starts to calibrate.
func New(command []string, warm, window time.Duration) (*Lab, error) {
	l := &Lab{CPUs: pair(usableCPUs()), Warm: warm, Window: window, Command: command}
	if len(l.CPUs) < 2 {
		return l, nil
	}
	line, err := newCalibrator(l)
	if err != nil {
		return nil, err
	}
	l.line = line
	return l, nil
}

// Close ends what New started.
func (l *Lab) Close() {
	if l.line != nil {
		l.line.close()
	}
}

// LineRoundTrip measures how many nanoseconds a cache line takes from the first
// CPU to the second and back; 0 where there is only one.
func (l *Lab) LineRoundTrip() float64 {
	if l.line == nil {
		return 0
	}
	return l.line.measure()
}

// pair keeps the first two of cpus, or none when there are not two.
func pair(cpus []int) []int {
	if len(cpus) < 2 {
		return nil
	}
	return cpus[:2]
}

// cpu is where worker i runs; -1 is anywhere.
func (l *Lab) cpu(i int) int {
	if len(l.CPUs) == 0 {
		return -1
	}
	return l.CPUs[i%len(l.CPUs)]
}

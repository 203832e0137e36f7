package lab

import (
	"slices"
	"time"
)

// Values are what one sample measured, by the name of the metric.
type Values map[string]float64

// Metric is one number that a sample yields.
type Metric struct {
	Name   string
	Unit   string
	Higher bool // more is better
}

// Better is how many times better ours is than theirs: above 1 in our favour.
func (m Metric) Better(ours, theirs float64) float64 {
	if m.Higher {
		return ours / theirs
	}
	return theirs / ours
}

// Kind is how a group is measured. The first metric is the one that a reader
// wants if he wants only one.
type Kind struct {
	Name    string
	Metrics []Metric
	// Compared are the names of the metrics whose ratios belong in a table.
	Compared []string
	// fromRates makes values of the rates, per second, at which the workers
	// counted, and of the longest wait that one of them told of. nil: the first
	// worker reports its values itself.
	fromRates func(rates []float64, worst time.Duration) Values
	// all says that every worker counts: a sample begins when the last of them
	// has shown life, and who gets nothing done is not left out.
	all bool
	// stretch is for how many windows a sample lasts; 0 is one.
	stretch int
	// whole says that a sample lasts until the first worker ends, and not for
	// a window of time.
	whole bool
	// alone says that one worker does it, so that no cache line travels and the
	// state of the machine does not matter.
	alone bool
}

// Messages counts what arrives on the far side.
var Messages = Kind{
	Name:     "throughput",
	Metrics:  []Metric{{"throughput", "msg/s", true}},
	Compared: []string{"throughput"},
	fromRates: func(r []float64, _ time.Duration) Values {
		return Values{"throughput": sum(r)}
	},
}

// Operations counts what workers get done that are in each other's way.
// Fairness is the slowest worker's share over the fastest's.
var Operations = Kind{
	Name:     "contention",
	Metrics:  []Metric{{"throughput", "op/s", true}, {"fairness", "slowest/fastest", true}},
	Compared: []string{"throughput"},
	fromRates: func(r []float64, _ time.Duration) Values {
		return Values{"throughput": sum(r), "fairness": slices.Min(r) / slices.Max(r)}
	},
	all: true,
}

// Beside is what the first worker gets done while the others do what may be in its way.
var Beside = Kind{
	Name:     "beside",
	Metrics:  []Metric{{"throughput", "op/s", true}},
	Compared: []string{"throughput"},
	fromRates: func(r []float64, _ time.Duration) Values {
		return Values{"throughput": r[0]}
	},
	all: true,
}

// Turns is Operations with the worst wait, the longest of all workers, be it
// over at the sample's end or not. A sample lasts longer: where there are many
// more workers than CPUs, each is to run several times.
var Turns = Kind{
	Name:     "turns",
	Metrics:  append(slices.Clone(Operations.Metrics), Metric{"worst", "ns", false}),
	Compared: []string{"throughput", "worst"},
	fromRates: func(r []float64, worst time.Duration) Values {
		v := Operations.fromRates(r, worst)
		v["worst"] = float64(worst.Nanoseconds())
		return v
	},
	all:     true,
	stretch: 5,
}

// Crowds is Messages with many workers: the first half of them takes what the other half gives, and all count. Fairness is
// the slowest worker's share over the fastest's, in the half where it is worse. A sample lasts for some seconds, where a
// window is one of the usual ones: each worker is to run many times.
var Crowds = Kind{
	Name:     "crowd",
	Metrics:  []Metric{{"throughput", "msg/s", true}, {"fairness", "slowest/fastest", true}},
	Compared: []string{"throughput"},
	fromRates: func(r []float64, _ time.Duration) Values {
		takers, givers := r[:len(r)/2], r[len(r)/2:]
		share := func(r []float64) float64 { return slices.Min(r) / slices.Max(r) }
		return Values{"throughput": sum(takers), "fairness": min(share(takers), share(givers))}
	},
	all:     true,
	stretch: 42, // of 120 ms: five seconds
}

// Cost is the time of one operation with nobody in the way.
var Cost = Kind{
	Name:     "cost",
	Metrics:  []Metric{{"time", "ns/op", false}},
	Compared: []string{"time"},
	fromRates: func(r []float64, _ time.Duration) Values {
		return Values{"time": 1e9 / r[0]}
	},
	alone: true,
}

// RoundTrip is the time until the answer is there, as a distribution.
var RoundTrip = Kind{
	Name: "round trip",
	Metrics: []Metric{
		{"p50", "ns", false}, {"p99", "ns", false}, {"p99.9", "ns", false}, {"max", "ns", false},
	},
	Compared: []string{"p50", "p99"},
}

// Job is a piece of work done from its beginning to its end.
var Job = Kind{
	Name:     "job",
	Metrics:  []Metric{{"throughput", "lines/s", true}, {"bandwidth", "B/s", true}},
	Compared: []string{"throughput"},
	whole:    true,
}

// Errand is a fixed number of messages that go from many workers to many; the first tells how long it took.
var Errand = Kind{
	Name:     "errand",
	Metrics:  []Metric{{"time", "ns", false}, {"throughput", "msg/s", true}},
	Compared: []string{"time"},
	whole:    true,
}

// values are what the kind makes of rates, or nil.
func (k Kind) values(rates []float64, worst time.Duration) Values {
	if k.fromRates == nil {
		return nil
	}
	return k.fromRates(rates, worst)
}

// Window is how long a sample of this kind lasts where one of the others lasts
// for w.
func (k Kind) Window(w time.Duration) time.Duration { return w * time.Duration(max(k.stretch, 1)) }

// order is a kind's place in a report: what users ask for first.
func (k Kind) order() int {
	return slices.Index([]string{Job.Name, Messages.Name, RoundTrip.Name, Cost.Name, Operations.Name, Beside.Name, Turns.Name, Crowds.Name, Errand.Name}, k.Name)
}

func sum(xs []float64) float64 {
	var s float64
	for _, x := range xs {
		s += x
	}
	return s
}

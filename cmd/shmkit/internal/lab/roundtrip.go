package lab

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// slowest is the longest round trip that a histogram tells from longer ones.
const slowest = 10 * time.Second

// RoundTrips calls trip until the sample is over, but at least once after the
// warm-up, and reports the distribution of its times.
func (w *Worker) RoundTrips(trip func() error) error { return w.PacedTrips(0, trip) }

// PacedTrips is RoundTrips with a pause before each trip, which is not part of
// it: long enough, and whoever answers sleeps.
func (w *Worker) PacedTrips(pause time.Duration, trip func() error) error {
	h := hdrhistogram.New(1, slowest.Nanoseconds(), 3)
	phase, epoch := w.page.phase(), time.Now()
	for p := phase.Load(); p != stopped || h.TotalCount() == 0; p = phase.Load() {
		t := until(epoch, time.Since(epoch)+pause)
		if err := trip(); err != nil {
			return err
		}
		d := time.Since(epoch) - t
		if p != warming {
			h.RecordValue(min(d, slowest).Nanoseconds())
		}
		w.Add(1)
	}
	w.Report(Report{Values: percentiles(h)})
	return nil
}

// percentiles reads the metrics of RoundTrip off a histogram, and how many
// round trips it holds.
func percentiles(h *hdrhistogram.Histogram) Values {
	return Values{
		"p50":   float64(h.ValueAtQuantile(50)),
		"p99":   float64(h.ValueAtQuantile(99)),
		"p99.9": float64(h.ValueAtQuantile(99.9)),
		"max":   float64(h.Max()),
		"trips": float64(h.TotalCount()),
	}
}

package report

import (
	"encoding/json"
	"io"
	"math"
	"strconv"

	"github.com/shmkit/shmkit/cmd/shmkit/internal/lab"
)

// figure is a line of JSON for what one subject of a case yielded.
type figure struct {
	Case    string            `json:"case"`
	Metric  string            `json:"metric"`
	Unit    string            `json:"unit"`
	Subject string            `json:"subject"`
	N       int               `json:"n"`
	Min     float64           `json:"min"`
	Median  float64           `json:"median"`
	Max     float64           `json:"max"`
	States  map[lab.State]int `json:"states"`            // how many samples saw which
	LineNS  float64           `json:"line_ns,omitempty"` // cache-line round trip around the samples, median
	Trips   int               `json:"trips,omitempty"`   // round trips behind a percentile, in all samples
}

// verdict is a line of JSON for how shmkit does beside one rival.
type verdict struct {
	Case     string    `json:"case"`
	Metric   string    `json:"metric"`
	Versus   string    `json:"vs"`
	Ratio    float64   `json:"ratio"` // above 1: shmkit is better
	RatioMin float64   `json:"ratio_min"`
	RatioMax float64   `json:"ratio_max"`
	N        int       `json:"n"` // pairs
	State    lab.State `json:"state"`
	Others   []verdict `json:"other_states,omitempty"`
}

// failure is a line of JSON for a subject that was given up.
type failure struct {
	Case    string `json:"case"`
	Subject string `json:"subject"`
	Failed  string `json:"failed"`
}

// JSON writes one object a line: the machine, the peers, the checks, and for
// each case a figure for everybody and a verdict for each rival.
func (b *Bench) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	lines := []any{struct {
		Machine Machine `json:"machine"`
	}{b.Machine}}
	for _, p := range b.Peers {
		lines = append(lines, p)
	}
	for _, c := range b.Checks {
		lines = append(lines, c)
	}
	for _, r := range b.Outcome.Results {
		lines = append(lines, resultLines(r)...)
	}
	lines = append(lines, struct {
		Repetitions int  `json:"repetitions"`
		OutOfTime   bool `json:"out_of_time"`
	}{b.Outcome.Reps, b.Outcome.Short})
	for _, l := range lines {
		if err := e.Encode(l); err != nil {
			return err
		}
	}
	return nil
}

// resultLines are the lines of one group. A rival is repeated for each case
// that it is compared with, so that a line needs no other line to be read.
func resultLines(r *lab.Result) []any {
	cases := r.Cases
	if len(cases) == 0 {
		cases = []*lab.Series{{Case: r.Group.Name}}
	}
	var lines []any
	for _, c := range cases {
		for _, s := range append([]*lab.Series{c}, r.Rivals...) {
			lines = append(lines, seriesLines(c.Case, s, r.Group.Kind)...)
		}
		for _, rival := range r.Rivals {
			for _, m := range r.Group.Kind.Metrics {
				if rs := lab.Compare(m, c, rival); len(rs) > 0 {
					lines = append(lines, newVerdict(c.Case, m, rival.Subject, rs))
				}
			}
		}
	}
	return lines
}

func seriesLines(name string, s *lab.Series, k lab.Kind) []any {
	if s.Err != nil {
		return []any{failure{name, s.Subject, s.Err.Error()}}
	}
	states, trips := map[lab.State]int{}, 0
	var line []float64
	for _, x := range s.Samples {
		states[x.State()]++
		trips += int(x.Values["trips"])
		line = append(line, x.Before, x.After)
	}
	var lines []any
	for _, m := range k.Metrics {
		if d := s.Spread(m.Name); d.N > 0 {
			lines = append(lines, figure{name, m.Name, m.Unit, s.Subject,
				d.N, round(d.Min), round(d.Median), round(d.Max),
				states, round(lab.SpreadOf(line).Median), trips})
		}
	}
	return lines
}

func newVerdict(name string, m lab.Metric, rival string, rs []lab.Ratio) verdict {
	one := func(r lab.Ratio) verdict {
		return verdict{name, m.Name, rival, round(r.Median), round(r.Min), round(r.Max), r.N, r.State, nil}
	}
	v := one(rs[0])
	for _, r := range rs[1:] {
		v.Others = append(v.Others, one(r))
	}
	return v
}

// round keeps four digits: the machine does not tell more.
func round(x float64) float64 {
	if math.IsInf(x, 0) || math.IsNaN(x) {
		return 0
	}
	r, _ := strconv.ParseFloat(strconv.FormatFloat(x, 'g', 4, 64), 64)
	return r
}

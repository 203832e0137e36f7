package report

import (
	"io"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/shmkit/shmkit/cmd/shmkit/internal/lab"
)

// The size of the picture. Each panel shows the cases of one kind.
const (
	panelWidth  = 30 * vg.Centimeter
	panelHeight = 13 * vg.Centimeter
)

// pictured are the kinds that have a panel: throughput above, latency below.
var pictured = []lab.Kind{lab.Messages, lab.RoundTrip}

// SVG draws throughput and latency: a point for the median of each subject of
// each case on a logarithmic scale, with a bar from the worst to the best
// sample and, for latency, up to the 99th percentile.
func (b *Bench) SVG(w io.Writer) error {
	var panels [][]*plot.Plot
	for _, k := range pictured {
		rs := slices.DeleteFunc(slices.Clone(b.Outcome.Results), func(r *lab.Result) bool {
			return r.Group.Kind.Name != k.Name || !measured(r)
		})
		if len(rs) == 0 {
			continue
		}
		p, err := panel(k, rs)
		if err != nil {
			return err
		}
		panels = append(panels, []*plot.Plot{p})
	}
	c := vgsvg.New(panelWidth, panelHeight*vg.Length(max(len(panels), 1)))
	if len(panels) > 0 {
		tiles := draw.Tiles{Rows: len(panels), Cols: 1, PadY: vg.Centimeter, PadX: 0}
		for i, row := range plot.Align(panels, tiles, draw.New(c)) {
			panels[i][0].Draw(row[0])
		}
	}
	_, err := c.WriteTo(w)
	return err
}

// measured says that somebody in the group yielded something.
func measured(r *lab.Result) bool {
	return slices.ContainsFunc(slices.Concat(r.Cases, r.Rivals), func(s *lab.Series) bool { return len(s.Samples) > 0 })
}

// panel draws one kind.
func panel(k lab.Kind, rs []*lab.Result) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text = "shmkit: " + k.Name + ", " + better(k.Metrics[0])
	p.Y.Label.Text = k.Metrics[0].Unit
	p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	p.Legend.Top, p.Legend.Left = true, false
	p.Add(plotter.NewGrid())
	names, points := place(k, rs)
	for i, subject := range subjectsOf(rs) {
		if len(points[subject].XYs) == 0 {
			continue
		}
		if err := addSubject(p, i, subject, points[subject]); err != nil {
			return nil, err
		}
	}
	p.Y.Min, p.Y.Max = decades(points)
	p.NominalX(names...)
	p.X.Min, p.X.Max = -0.5, float64(len(names))-0.5
	p.X.Tick.Label.Rotation = math.Pi / 5
	p.X.Tick.Label.XAlign, p.X.Tick.Label.YAlign = draw.XRight, draw.YCenter
	return p, nil
}

// better says which end of an axis is the good one.
func better(m lab.Metric) string {
	if m.Higher {
		return "more is better"
	}
	return "less is better"
}

// decades are the powers of ten around all points: an axis of one value would
// have no length.
func decades(points map[string]errPoints) (low, high float64) {
	low, high = math.Inf(1), 1
	for _, ps := range points {
		for i, xy := range ps.XYs {
			low, high = min(low, xy.Y-ps.YErrors[i].Low), max(high, xy.Y+ps.YErrors[i].High)
		}
	}
	low = math.Pow(10, math.Floor(math.Log10(min(low, high))))
	return low, max(10*low, math.Pow(10, math.Ceil(math.Log10(high))))
}

// addSubject draws one subject's points.
func addSubject(p *plot.Plot, i int, subject string, ps errPoints) error {
	dots, err := plotter.NewScatter(ps.XYs)
	if err != nil {
		return err
	}
	bars, err := plotter.NewYErrorBars(ps)
	if err != nil {
		return err
	}
	dots.Color, dots.Shape, dots.Radius = plotutil.Color(i), plotutil.Shape(i), vg.Points(3.5)
	bars.Color = plotutil.Color(i)
	p.Add(bars, dots)
	p.Legend.Add(subject, dots)
	return nil
}

// errPoints are the points of one subject with their bars.
type errPoints struct {
	plotter.XYs
	plotter.YErrors
}

// place gives each case a place on the x axis and each subject its points.
func place(k lab.Kind, rs []*lab.Result) (names []string, points map[string]errPoints) {
	points = map[string]errPoints{}
	for _, r := range rs {
		cases := r.Cases
		if len(cases) == 0 {
			cases = []*lab.Series{{Case: r.Group.Name}}
		}
		for _, c := range cases {
			x := float64(len(names))
			names = append(names, c.Case)
			for _, s := range append([]*lab.Series{c}, r.Rivals...) {
				addPoint(points, k, s, x)
			}
		}
	}
	return names, points
}

// addPoint adds a subject's median. A logarithmic axis knows no zero.
func addPoint(points map[string]errPoints, k lab.Kind, s *lab.Series, x float64) {
	d := s.Spread(k.Metrics[0].Name)
	if d.N == 0 || d.Min <= 0 {
		return
	}
	high := d.Max
	if k.Name == lab.RoundTrip.Name {
		high = max(high, s.Spread("p99").Median)
	}
	e := points[s.Subject]
	e.XYs = append(e.XYs, plotter.XY{X: x, Y: d.Median})
	e.YErrors = append(e.YErrors, struct{ Low, High float64 }{d.Median - d.Min, high - d.Median})
	points[s.Subject] = e
}

// subjectsOf lists everybody once, shmkit first.
func subjectsOf(rs []*lab.Result) []string {
	var names []string
	add := func(list []*lab.Series) {
		for _, s := range list {
			if !slices.Contains(names, s.Subject) {
				names = append(names, s.Subject)
			}
		}
	}
	for _, r := range rs {
		add(r.Cases)
	}
	for _, r := range rs {
		add(r.Rivals)
	}
	return names
}

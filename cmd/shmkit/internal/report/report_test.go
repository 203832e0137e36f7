package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/shmkit/shmkit/cmd/shmkit/internal/lab"
)

// samples are of successive repetitions, in one state.
func samples(metric string, ns float64, xs ...float64) (s []lab.Sample) {
	for i, x := range xs {
		s = append(s, lab.Sample{Rep: i, Values: lab.Values{metric: x}, Before: ns, After: ns})
	}
	return s
}

// example is a run with a bit of everything.
func example() *Bench {
	trip := func(p50, p99 float64) []lab.Sample {
		return []lab.Sample{{Before: 100, After: 100, Values: lab.Values{"p50": p50, "p99": p99, "p99.9": 2 * p99, "max": 3 * p99, "trips": 1000}}}
	}
	return &Bench{
		Machine: ThisMachine([]int{0, 1}),
		Peers: []Peer{
			{Peer: "C++", Compiler: "g++ 99", Flags: "-O3"},
			{Peer: "Boost", Absent: "its headers are not installed"},
		},
		Checks: []Check{{Case: "lines/files", Check: "sha256", Messages: 3, Bytes: 30, SHA256: "abc", Files: 1}},
		Outcome: &lab.Outcome{Reps: 3, Results: []*lab.Result{
			{
				Group:  lab.Group{Name: "lines/files", Kind: lab.Job},
				Cases:  []*lab.Series{{Case: "lines/files", Subject: "shmkit", Samples: samples("throughput", 0, 5e6)}},
				Rivals: []*lab.Series{{Subject: "pipe", Err: errors.New("broken <pipe>")}},
			},
			{
				Group: lab.Group{Name: "spsc/8B", Kind: lab.Messages},
				Cases: []*lab.Series{
					{Case: "spsc/8B", Subject: "shmkit", Samples: samples("throughput", 100, 30e6, 20e6, 40e6)},
					{Case: "spsc/8B/inplace", Subject: "shmkit", Samples: samples("throughput", 100, 60e6, 60e6, 60e6)},
				},
				Rivals: []*lab.Series{{Subject: "pipe", Samples: samples("throughput", 100, 1e6, 1e6, 4e6)}},
			},
			{
				Group:  lab.Group{Name: "spsc/8B/rtt/busy", Kind: lab.RoundTrip},
				Cases:  []*lab.Series{{Case: "spsc/8B/rtt/busy", Subject: "shmkit", Samples: trip(200, 400)}},
				Rivals: []*lab.Series{{Subject: "pipe", Samples: trip(2000, 2000)}},
			},
			{
				Group:  lab.Group{Name: "mpmc/8B", Kind: lab.Messages},
				Rivals: []*lab.Series{{Subject: "C++ queue", Samples: samples("throughput", 400, 7)}},
			},
		}},
	}
}

// lines decodes what JSON wrote.
func lines(t *testing.T, b *Bench) (out []map[string]any) {
	t.Helper()
	var buf bytes.Buffer
	if err := b.JSON(&buf); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(buf.String()) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		out = append(out, m)
	}
	return out
}

// find is the line in which all those fields have those values.
func find(t *testing.T, ls []map[string]any, want map[string]any) map[string]any {
	t.Helper()
next:
	for _, l := range ls {
		for k, v := range want {
			if l[k] != v {
				continue next
			}
		}
		return l
	}
	t.Fatalf("there is no line with %v", want)
	return nil
}

func TestJSONFigures(t *testing.T) {
	ls := lines(t, example())
	f := find(t, ls, map[string]any{"case": "spsc/8B", "subject": "shmkit"})
	for k, want := range map[string]any{
		"metric": "throughput", "unit": "msg/s", "n": 3.0, "min": 20e6, "median": 30e6, "max": 40e6, "line_ns": 100.0,
	} {
		if f[k] != want {
			t.Errorf("%s is %v, want %v", k, f[k], want)
		}
	}
	if s, _ := f["states"].(map[string]any); s["near"] != 3.0 {
		t.Errorf("the states are %v, want 3 near", f["states"])
	}
	find(t, ls, map[string]any{"case": "spsc/8B/inplace", "subject": "pipe", "median": 1e6})
	p := find(t, ls, map[string]any{"case": "spsc/8B/rtt/busy", "subject": "pipe", "metric": "p99.9"})
	if p["unit"] != "ns" || p["median"] != 4000.0 || p["trips"] != 1000.0 {
		t.Errorf("p99.9 is %v", p)
	}
	find(t, ls, map[string]any{"case": "mpmc/8B", "subject": "C++ queue", "n": 1.0})
}

func TestJSONVerdicts(t *testing.T) {
	ls := lines(t, example())
	v := find(t, ls, map[string]any{"case": "spsc/8B", "vs": "pipe", "metric": "throughput"})
	// The pairs are 30/1, 20/1 and 40/4.
	for k, want := range map[string]any{"ratio": 20.0, "ratio_min": 10.0, "ratio_max": 30.0, "n": 3.0, "state": "near"} {
		if v[k] != want {
			t.Errorf("%s is %v, want %v", k, v[k], want)
		}
	}
	if v := find(t, ls, map[string]any{"case": "spsc/8B/rtt/busy", "vs": "pipe", "metric": "p50"}); v["ratio"] != 10.0 {
		t.Errorf("200 ns beside 2000 are %v times better, want 10", v["ratio"])
	}
	if v := find(t, ls, map[string]any{"case": "spsc/8B/rtt/busy", "vs": "pipe", "metric": "p99"}); v["ratio"] != 5.0 {
		t.Errorf("400 ns beside 2000 are %v times better, want 5", v["ratio"])
	}
	for _, l := range ls {
		if l["case"] == "mpmc/8B" && l["vs"] != nil {
			t.Errorf("compared with nothing: %v", l)
		}
	}
}

func TestJSONTellsOtherStates(t *testing.T) {
	b := example()
	r := b.Outcome.Results[1]
	for _, s := range []*lab.Series{r.Cases[0], r.Rivals[0]} {
		s.Samples[2].Before, s.Samples[2].After = 500, 500
	}
	v := find(t, lines(t, b), map[string]any{"case": "spsc/8B", "vs": "pipe"})
	others, _ := v["other_states"].([]any)
	if v["state"] != "near" || v["ratio"] != 25.0 || len(others) != 1 {
		t.Fatalf("%v", v)
	}
	if o := others[0].(map[string]any); o["state"] != "far" || o["ratio"] != 10.0 || o["n"] != 1.0 {
		t.Errorf("%v", o)
	}
}

func TestJSONNamesTheRest(t *testing.T) {
	b := example()
	b.Judge()
	ls := lines(t, b)
	if ls[0]["machine"] == nil {
		t.Errorf("the first line is %v, want the machine", ls[0])
	}
	find(t, ls, map[string]any{"peer": "C++", "compiler": "g++ 99", "flags": "-O3"})
	find(t, ls, map[string]any{"peer": "Boost", "absent": "its headers are not installed"})
	find(t, ls, map[string]any{"case": "lines/files", "check": "sha256", "sha256": "abc", "ok": true, "messages": 3.0})
	find(t, ls, map[string]any{"case": "lines/files", "subject": "pipe", "failed": "broken <pipe>"})
	find(t, ls, map[string]any{"repetitions": 3.0, "out_of_time": false})
}

func TestJudge(t *testing.T) {
	b := example()
	b.Outcome.Results[0].Cases[0].Err = errors.New("the far side got less")
	if b.Judge(); b.Checks[0].OK {
		t.Error("a failed check counts as good")
	}
	b = example()
	b.Outcome.Results[0].Cases[0].Samples = nil
	if b.Judge(); b.Checks[0].OK {
		t.Error("a check that was not made counts as good")
	}
}

func TestTable(t *testing.T) {
	var buf bytes.Buffer
	b := example()
	b.Judge()
	if err := b.Table(&buf); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"C++: g++ 99 -O3", "Boost: absent: its headers", "3 messages, 30 bytes of 1 files arrived whole, SHA-256 abc",
		"spsc/8B/inplace", "20.0 (10.0 … 30.0)", "near 3", "30M", "(20M … 40M)",
		"10.0 (10.0 … 10.0)  5.00 (5.00 … 5.00)", "C++ queue", "failed:  pipe: broken <pipe>",
	} {
		if !strings.Contains(buf.String(), want) {
			t.Errorf("the table does not have %q:\n%s", want, buf.String())
		}
	}
	if strings.Contains(buf.String(), "time was up") {
		t.Error("it says that the time was up")
	}
	b.Checks[0].OK, b.Outcome.Short = false, true
	buf.Reset()
	b.Table(&buf)
	for _, want := range []string{"did not arrive whole", "time was up"} {
		if !strings.Contains(buf.String(), want) {
			t.Errorf("the table does not say %q", want)
		}
	}
}

func TestNumber(t *testing.T) {
	for x, want := range map[float64]string{
		0: "0", 4.237: "4.237", 999: "999", 9999: "9999", 12345: "12.3k", 1234567: "1.23M", 2.5e9: "2.5G",
	} {
		if got := number(x); got != want {
			t.Errorf("number(%v) = %s, want %s", x, got, want)
		}
	}
	for x, want := range map[float64]string{0.456: "0.46", 9.999: "10.00", 12.34: "12.3", 123.4: "123"} {
		if got := times(x); got != want {
			t.Errorf("times(%v) = %s, want %s", x, got, want)
		}
	}
	for x, want := range map[float64]float64{0: 0, 12345.6: 12350, 0.0123456: 0.01235, 1: 1} {
		if got := round(x); got != want {
			t.Errorf("round(%v) = %v, want %v", x, got, want)
		}
	}
}

func TestSVG(t *testing.T) {
	var buf bytes.Buffer
	if err := example().SVG(&buf); err != nil {
		t.Fatal(err)
	}
	text := ""
	for d := xml.NewDecoder(&buf); ; {
		tok, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if c, ok := tok.(xml.CharData); ok {
			text += string(c)
		}
	}
	for _, want := range []string{"shmkit: throughput", "shmkit: round trip", "spsc/8B/inplace", "spsc/8B/rtt/busy", "pipe"} {
		if !strings.Contains(text, want) {
			t.Errorf("the picture does not say %q", want)
		}
	}
}

func TestSVGOfLittle(t *testing.T) {
	one := &lab.Series{Case: "g", Subject: "shmkit", Samples: samples("throughput", 0, 1000)}
	small := &lab.Series{Case: "g", Subject: "shmkit", Samples: samples("throughput", 0, 0.5)}
	none := &lab.Series{Case: "g", Subject: "shmkit", Samples: samples("throughput", 0, 0)}
	for what, rs := range map[string][]*lab.Result{
		"no results": nil,
		"one point":  {{Group: lab.Group{Name: "g", Kind: lab.Messages}, Cases: []*lab.Series{one}}},
		"below one":  {{Group: lab.Group{Name: "g", Kind: lab.Messages}, Cases: []*lab.Series{small}}},
		"a zero":     {{Group: lab.Group{Name: "g", Kind: lab.Messages}, Cases: []*lab.Series{none}}},
		"no samples": {{Group: lab.Group{Name: "g", Kind: lab.Messages}, Cases: []*lab.Series{{Case: "g", Subject: "shmkit"}}}},
	} {
		if err := (&Bench{Outcome: &lab.Outcome{Results: rs}}).SVG(io.Discard); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

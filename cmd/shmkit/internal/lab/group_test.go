package lab

import (
	"context"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// fake is a subject that measures nothing.
type fake string

func (f fake) Name() string { return string(f) }
func (f fake) Sample(context.Context, *Lab, Kind) (Values, error) {
	return Values{"throughput": float64(len(f))}, nil
}

func fakes() []Group {
	return []Group{
		{Name: "ring/8B", Kind: Messages, Cases: []Case{{"ring/8B", fake("a")}, {"ring/8B/inplace", fake("a")}}, Rivals: []Subject{fake("pipe")}},
		{Name: "ring/64B", Kind: Messages, Cases: []Case{{"ring/64B", fake("a")}}, Rivals: []Subject{fake("pipe")}},
		{Name: "peersonly/8B", Kind: Messages, Rivals: []Subject{fake("other")}},
	}
}

func names(gs []Group) (ns []string) {
	for _, g := range gs {
		if len(g.Cases) == 0 {
			ns = append(ns, "-"+g.Name)
		}
		for _, c := range g.Cases {
			ns = append(ns, c.Name)
		}
	}
	return ns
}

func TestSelect(t *testing.T) {
	for re, want := range map[string][]string{
		"":         {"ring/8B", "ring/8B/inplace", "ring/64B", "-peersonly/8B"},
		"inplace":  {"ring/8B/inplace"},
		"8B":       {"ring/8B", "ring/8B/inplace", "-peersonly/8B"},
		"^ring/6":  {"ring/64B"},
		"nonesuch": nil,
	} {
		all := fakes()
		if d := cmp.Diff(want, names(Select(all, regexp.MustCompile(re)))); d != "" {
			t.Errorf("Select %q: %s", re, d)
		}
		if d := cmp.Diff(names(fakes()), names(all)); d != "" {
			t.Errorf("Select %q changed its argument: %s", re, d)
		}
	}
}

func TestNamesAreOrderedBySize(t *testing.T) {
	ns := []string{"b/1MiB/rtt", "b/64KiB", "a/8B", "b/8B", "b/1KiB", "b/64B/inplace", "b/64B"}
	slices.SortFunc(ns, compareNames)
	want := []string{"a/8B", "b/8B", "b/64B", "b/64B/inplace", "b/1KiB", "b/64KiB", "b/1MiB/rtt"}
	if d := cmp.Diff(want, ns); d != "" {
		t.Error(d)
	}
}

func TestSorted(t *testing.T) {
	gs := []Group{{Name: "z", Kind: Operations}, {Name: "b/1KiB", Kind: Messages}, {Name: "a", Kind: RoundTrip}, {Name: "b/8B", Kind: Messages}, {Name: "l", Kind: Job}}
	var got []string
	for _, g := range Sorted(gs) {
		got = append(got, g.Name)
	}
	if d := cmp.Diff([]string{"l", "b/8B", "b/1KiB", "a", "z"}, got); d != "" {
		t.Error(d)
	}
	if gs[0].Name != "z" {
		t.Error("it sorted its argument")
	}
}

func TestTwoOfOneNamePanic(t *testing.T) {
	for what, f := range map[string]func(){
		"group": func() {
			defer func(r []Group) { registry = r }(registry)
			Register(Group{Name: "x"})
			Register(Group{Name: "x"})
		},
		"role": func() { NewRole(echoRole.name, nil) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("a second %s of one name was accepted", what)
				}
			}()
			f()
		}()
	}
}

func TestKindsHaveTheirMetrics(t *testing.T) {
	for _, k := range []Kind{Messages, Operations, Cost, RoundTrip, Job} {
		for _, name := range k.Compared {
			if !slices.ContainsFunc(k.Metrics, func(m Metric) bool { return m.Name == name }) {
				t.Errorf("%s compares %s, which it does not measure", k.Name, name)
			}
		}
		if k.fromRates == nil {
			continue
		}
		for _, m := range k.Metrics {
			if k.fromRates([]float64{2e6, 1e6}, time.Second)[m.Name] <= 0 {
				t.Errorf("%s yields no %s", k.Name, m.Name)
			}
		}
	}
	if got := Operations.fromRates([]float64{2e6, 1e6}, 0)["fairness"]; got != 0.5 {
		t.Errorf("fairness of 2 to 1 is %v, want 0.5", got)
	}
	if got := Cost.fromRates([]float64{1e8}, 0)["time"]; got != 10 {
		t.Errorf("1e8 a second take %v ns each, want 10", got)
	}
}

func TestPlain(t *testing.T) {
	gs := fakes()
	gs[1].Asked = true
	if got := names(Plain(gs)); !slices.Equal(got, []string{"ring/8B", "ring/8B/inplace", "-peersonly/8B"}) {
		t.Errorf("unasked are measured %v", got)
	}
	if len(gs) != 3 || gs[1].Name != "ring/64B" {
		t.Errorf("the argument has become %v", names(gs))
	}
}

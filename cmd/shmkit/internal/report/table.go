package report

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/shmkit/shmkit/cmd/shmkit/internal/lab"
)

// Table writes the run for a person to read.
func (b *Bench) Table(w io.Writer) error {
	b.head(w)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	kind := ""
	for _, r := range b.Outcome.Results {
		if r.Group.Kind.Name != kind {
			kind = r.Group.Kind.Name
			tw.Flush()
			fmt.Fprintln(w)
			tableHead(tw, r.Group.Kind)
		}
		tableGroup(tw, r)
	}
	tw.Flush()
	b.foot(w)
	return nil
}

// head says where and against whom.
func (b *Bench) head(w io.Writer) {
	m := b.Machine
	fmt.Fprintf(w, "%s, Linux %s, %s, %s, %d CPUs", m.System, m.Kernel, m.CPU, m.Go, m.CPUs)
	if len(m.Pinned) == 2 {
		fmt.Fprintf(w, ", processes pinned to CPU %d and %d", m.Pinned[0], m.Pinned[1])
	}
	fmt.Fprintln(w)
	for _, p := range b.Peers {
		if p.Absent != "" {
			fmt.Fprintf(w, "%s: absent: %s\n", p.Peer, p.Absent)
		} else {
			fmt.Fprintf(w, "%s: %s\n", p.Peer, strings.TrimSpace(p.Compiler+" "+p.Flags))
		}
	}
	for _, c := range b.Checks {
		verb := "arrived whole"
		if !c.OK {
			verb = "did not arrive whole"
		}
		fmt.Fprintf(w, "%s: %d messages, %d bytes of %d files %s, SHA-256 %s\n",
			c.Case, c.Messages, c.Bytes, c.Files, verb, c.SHA256)
	}
}

// foot says how to read it.
func (b *Bench) foot(w io.Writer) {
	fmt.Fprintf(w, "\nMedians of %d repetitions. The last columns are how many times better shmkit is (above 1) than that rival:\n", b.Outcome.Reps)
	fmt.Fprintln(w, "median (smallest … largest) of the ratios of samples taken side by side, in the state of the machine that most pairs saw.")
	fmt.Fprintln(w, "A cache line goes from CPU to CPU and back in <75 ns (smt), 75-200 (near) or more (far); moved: that changed, do not rely on it.")
	if b.Outcome.Short {
		fmt.Fprintln(w, "The time was up before all repetitions were done.")
	}
	for _, s := range b.Failures() {
		fmt.Fprintf(w, "failed: %s %s: %v\n", s.Case, s.Subject, s.Err)
	}
}

// tableHead names the columns of a kind.
func tableHead(w io.Writer, k lab.Kind) {
	cols := []string{strings.ToUpper(k.Name), "SUBJECT"}
	for _, m := range k.Metrics {
		cols = append(cols, m.Name+" "+m.Unit)
	}
	cols = append(cols, "(min … max)")
	for _, name := range k.Compared {
		cols = append(cols, "× "+name)
	}
	fmt.Fprintln(w, strings.Join(append(cols, "STATE"), "\t"))
}

// tableGroup writes each case with its rivals below it.
func tableGroup(w io.Writer, r *lab.Result) {
	if len(r.Cases) == 0 {
		for i, s := range r.Rivals {
			tableRow(w, name(r.Group.Name, i), s, nil, r.Group.Kind)
		}
	}
	for _, c := range r.Cases {
		tableRow(w, c.Case, c, nil, r.Group.Kind)
		for _, s := range r.Rivals {
			tableRow(w, "", s, c, r.Group.Kind)
		}
	}
}

// name is written once.
func name(s string, row int) string {
	if row == 0 {
		return s
	}
	return ""
}

// tableRow writes one subject and, for a rival, how ours does beside it.
func tableRow(w io.Writer, name string, s, ours *lab.Series, k lab.Kind) {
	if len(s.Samples) == 0 {
		fmt.Fprintf(w, "%s\t%s\tnot measured\n", name, s.Subject)
		return
	}
	cols := []string{name, s.Subject}
	for _, m := range k.Metrics {
		cols = append(cols, number(s.Spread(m.Name).Median))
	}
	first := s.Spread(k.Metrics[0].Name)
	cols = append(cols, fmt.Sprintf("(%s … %s)", number(first.Min), number(first.Max)))
	state := ""
	for _, m := range k.Metrics {
		if ours == nil || !slices.Contains(k.Compared, m.Name) {
			continue
		}
		rs := lab.Compare(m, ours, s)
		if len(rs) == 0 {
			cols = append(cols, "-")
			continue
		}
		cols = append(cols, fmt.Sprintf("%s (%s … %s)", times(rs[0].Median), times(rs[0].Min), times(rs[0].Max)))
		state = fmt.Sprintf("%s %d", rs[0].State, rs[0].N)
	}
	fmt.Fprintln(w, strings.Join(append(cols, state), "\t"))
}

// times writes a ratio.
func times(x float64) string {
	switch {
	case x >= 100:
		return fmt.Sprintf("%.0f", x)
	case x >= 10:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.2f", x)
}

// number writes a figure with three digits and a letter for its size.
func number(x float64) string {
	for _, u := range []struct {
		size float64
		name string
	}{{1e9, "G"}, {1e6, "M"}, {1e4, "k"}} {
		if math.Abs(x) >= u.size {
			if u.name == "k" {
				u.size = 1e3
			}
			return fmt.Sprintf("%.3g%s", x/u.size, u.name)
		}
	}
	return fmt.Sprintf("%.4g", x)
}

package lab

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Subject is one way of doing what a group does.
type Subject interface {
	// Name is what the report calls it.
	Name() string
	// Sample does it once and says what it measured.
	Sample(ctx context.Context, l *Lab, k Kind) (Values, error)
}

// Case is one of shmkit's own ways, under the name that the report gives to
// its comparison with the rivals: object/size[/how].
type Case struct {
	Name    string
	Subject Subject
}

// Group is a thing to do and everybody who does it.
type Group struct {
	Name   string // of the plainest case; peers join a group by it
	Kind   Kind
	Cases  []Case    // shmkit's ways
	Rivals []Subject // everybody else's
	// Asked says that the group is measured only when somebody asks for cases
	// by name, or for peers: a plain run ends within two minutes.
	Asked bool
}

var registry []Group

// Register adds a group to those that [Groups] lists. A file that adds a case
// calls it from its init.
func Register(g Group) {
	if slices.ContainsFunc(registry, func(x Group) bool { return x.Name == g.Name }) {
		panic("lab: two groups named " + g.Name)
	}
	registry = append(registry, g)
}

// Groups lists what was registered, in order.
func Groups() []Group { return Sorted(registry) }

// Sorted puts groups into the order in which they are run and shown: by kind,
// and within a kind by name with sizes in their order.
func Sorted(gs []Group) []Group {
	gs = slices.Clone(gs)
	slices.SortStableFunc(gs, func(a, b Group) int {
		return cmp.Or(a.Kind.order()-b.Kind.order(), compareNames(a.Name, b.Name))
	})
	return gs
}

// Select keeps of the groups what has a case whose name matches re, and of
// those groups the matching cases and all rivals. A group without a case of
// ours, which only peers fill, is matched by its own name.
func Select(gs []Group, re *regexp.Regexp) []Group {
	var kept []Group
	for _, g := range gs {
		if len(g.Cases) == 0 && re.MatchString(g.Name) {
			kept = append(kept, g)
			continue
		}
		g.Cases = slices.DeleteFunc(slices.Clone(g.Cases), func(c Case) bool { return !re.MatchString(c.Name) })
		if len(g.Cases) > 0 {
			kept = append(kept, g)
		}
	}
	return kept
}

// Plain keeps of the groups what is measured without being asked for.
func Plain(gs []Group) []Group {
	return slices.DeleteFunc(slices.Clone(gs), func(g Group) bool { return g.Asked })
}

// subjects lists everybody in a group, our cases first: that is the order in
// which they are sampled.
func (g Group) subjects() []entry {
	var es []entry
	for _, c := range g.Cases {
		es = append(es, entry{c.Name, c.Subject})
	}
	for _, r := range g.Rivals {
		es = append(es, entry{"", r})
	}
	return es
}

// entry is a subject with the name of its case, which rivals do not have.
type entry struct {
	name    string
	subject Subject
}

// compareNames orders case names element by element, sizes by what they mean.
func compareNames(a, b string) int {
	x, y := strings.Split(a, "/"), strings.Split(b, "/")
	return slices.CompareFunc(x, y, func(p, q string) int {
		m, n := size(p), size(q)
		if m >= 0 && n >= 0 {
			return m - n
		}
		return strings.Compare(p, q)
	})
}

// size is the number of bytes that an element such as 64KiB names, or -1.
func size(s string) int {
	var n int
	var unit string
	if k, _ := fmt.Sscanf(s, "%d%s", &n, &unit); k != 2 {
		return -1
	}
	switch unit {
	case "B":
		return n
	case "KiB":
		return n << 10
	case "MiB":
		return n << 20
	}
	return -1
}

package archtest

import (
	"bytes"
	"fmt"
	"go/ast"
	"slices"
)

// What fails. The rest of the budget is reported by Sizes and is no reason to split
// what belongs together.
const (
	maxFile     = 500
	maxFunction = 70
)

// TooLong reports files and functions beyond the hard limits. The functions of
// tests are free: a table of cases has no natural end.
func TooLong(files []File) (wrong []string) {
	for _, f := range files {
		if n := f.length(); n > maxFile {
			wrong = append(wrong, fmt.Sprintf("%s has %d lines, over %d; it usually holds two ideas", f.Path, n, maxFile))
		}
		if f.IsTest() {
			continue
		}
		for _, d := range f.functions() {
			if n := f.lines(d.Pos(), d.End()); n > maxFunction {
				wrong = append(wrong, fmt.Sprintf("%s: %s has %d lines, over %d", f.at(d), d.Name.Name, n, maxFunction))
			}
		}
	}
	return wrong
}

// Sizes are the figures of some packages together.
type Sizes struct {
	Files, Functions Spread
	Code, Tests      int // lines
	Comments         int // lines of the code that are nothing else
}

// Spread is a distribution of lengths, by lines.
type Spread struct{ N, Median, P95, Max int }

// Measure takes the figures of those files.
func Measure(files []File) (s Sizes) {
	var lengths, functions []int
	for _, f := range files {
		if f.IsTest() {
			s.Tests += f.length()
			continue
		}
		s.Code += f.length()
		lengths = append(lengths, f.length())
		for _, g := range f.AST.Comments {
			for _, c := range g.List {
				if f.startsLine(c) {
					s.Comments += f.lines(c.Pos(), c.End())
				}
			}
		}
		for _, d := range f.functions() {
			functions = append(functions, f.lines(d.Pos(), d.End()))
		}
	}
	s.Files, s.Functions = spread(lengths), spread(functions)
	return s
}

func spread(n []int) Spread {
	if len(n) == 0 {
		return Spread{}
	}
	slices.Sort(n)
	at := func(percent int) int { return n[min(len(n)-1, len(n)*percent/100)] }
	return Spread{len(n), at(50), at(95), n[len(n)-1]}
}

// String is a line of a report, with what is aimed at beside it.
func (s Sizes) String() string {
	return fmt.Sprintf("%d files %d/%d/%d (aim 100/–/330), %d functions %d/%d/%d (aim 8/45/70), comments %.0f %% (25–40), tests:code %.2f (1.00)",
		s.Files.N, s.Files.Median, s.Files.P95, s.Files.Max,
		s.Functions.N, s.Functions.Median, s.Functions.P95, s.Functions.Max,
		100*ratio(s.Comments, s.Code), ratio(s.Tests, s.Code))
}

func ratio(a, b int) float64 { return float64(a) / float64(max(b, 1)) }

func (f File) length() int { return bytes.Count(f.Source, []byte("\n")) }

func (f File) functions() (ds []*ast.FuncDecl) {
	for _, d := range f.AST.Decls {
		if d, ok := d.(*ast.FuncDecl); ok && d.Body != nil {
			ds = append(ds, d)
		}
	}
	return ds
}

// startsLine tells a comment of its own from one behind code.
func (f File) startsLine(c *ast.Comment) bool {
	end := f.Set.Position(c.Pos()).Offset
	start := bytes.LastIndexByte(f.Source[:end], '\n') + 1
	return len(bytes.TrimSpace(f.Source[start:end])) == 0
}

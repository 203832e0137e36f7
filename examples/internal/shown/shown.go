// Package shown compares what an example prints with what its README shows.
package shown

import (
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Check runs main, and wants the text block of README.md in the working directory on its standard output. What a
// mask matches is taken for equal, as process ids; with anyOrder, lines may come in any.
func Check(t *testing.T, main func(), anyOrder bool, masks ...string) {
	t.Helper()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, found := strings.Cut(string(readme), "```text\n")
	block, _, closed := strings.Cut(block, "```")
	if !found || !closed {
		t.Fatal("README.md shows no output")
	}
	got, want := clean(capture(t, main), anyOrder, masks), clean(block, anyOrder, masks)
	if got != want {
		t.Errorf("printed\n%s\nthe README shows\n%s", got, want)
	}
}

func clean(s string, anyOrder bool, masks []string) string {
	for _, m := range masks {
		s = regexp.MustCompile(m).ReplaceAllString(s, "…")
	}
	lines := strings.Split(strings.TrimSpace(s), "\n")
	if anyOrder {
		slices.Sort(lines)
	}
	return strings.Join(lines, "\n")
}

// capture collects what main and its children write to standard output and standard error.
func capture(t *testing.T, main func()) string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	out, errs := os.Stdout, os.Stderr
	os.Stdout, os.Stderr = w, w
	defer func() { os.Stdout, os.Stderr = out, errs }()
	text := make(chan string, 1)
	go func() {
		b, _ := io.ReadAll(r)
		text <- string(b)
	}()
	main()
	w.Close()
	s := <-text
	r.Close()
	return s
}

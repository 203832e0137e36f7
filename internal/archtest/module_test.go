package archtest

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// root finds the module from the directory of the test.
func root(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
}

func TestModule(t *testing.T) {
	files, err := Load(root(t))
	if err != nil {
		t.Fatal(err)
	}
	if i := slices.IndexFunc(files, func(f File) bool { return f.Path == "internal/archtest/archtest.go" }); i < 0 {
		t.Fatal("this very package was not found")
	}
	for name, rule := range map[string]func([]File) []string{
		"Layers": Layers, "Unsafe": Unsafe, "Documented": Documented, "Started": Started, "TooLong": TooLong,
	} {
		t.Run(name, func(t *testing.T) {
			for _, w := range rule(files) {
				t.Error(w)
			}
		})
	}
	report(t, files)
}

// report tells the figures of the library's packages, and of the rest.
func report(t *testing.T, files []File) {
	var library, rest []File
	packages := map[string][]File{}
	for _, f := range files {
		if placeOf(f.Package()) == top {
			rest = append(rest, f)
			continue
		}
		library = append(library, f)
		packages[f.Package()] = append(packages[f.Package()], f)
	}
	t.Logf("library: %v", Measure(library))
	t.Logf("commands, benchmarks, examples: %v", Measure(rest))
	names := make([]string, 0, len(packages))
	for p := range packages {
		names = append(names, p)
	}
	slices.Sort(names)
	for _, p := range names {
		t.Logf("%-18s %v", p, Measure(packages[p]))
	}
}

package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Each piece of Go in the README and in the documents for users stands in an example, which compiles and is tested.
func TestSnippets(t *testing.T) {
	root := filepath.Join("..", "..")
	var sources []string
	err := filepath.WalkDir(filepath.Join(root, "examples"), func(p string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(p, ".go") {
			b, err := os.ReadFile(p)
			sources = append(sources, dedented(string(b)))
			return err
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, name := range []string{"README.md", "docs/guide.md", "docs/from-multiprocessing.md"} {
		b, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		parts := strings.Split(string(b), "```go\n")
		for _, part := range parts[1:] {
			n++
			snippet, _, closed := strings.Cut(part, "```\n")
			found := false
			for _, s := range sources {
				found = found || strings.Contains(s, dedented(snippet))
			}
			if !closed || !found {
				t.Errorf("%s shows what is in no example:\n%s", name, snippet)
			}
		}
	}
	if n < 4 {
		t.Errorf("%d pieces were found", n)
	}
}

// dedented is text without the whitespace that its lines begin with.
func dedented(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = strings.TrimLeft(lines[i], " \t")
	}
	return strings.Join(lines, "\n")
}

// What the documents call by a package's name is there.
func TestNames(t *testing.T) {
	root := filepath.Join("..", "..")
	exported := map[string]map[string]bool{}
	for _, pkg := range []string{"array", "pipe", "process", "queue", "ringbuf", "sem", "shm", "value"} {
		exported[pkg] = exportedBy(t, filepath.Join(root, pkg))
	}
	exported["shmtest"] = exportedBy(t, filepath.Join(root, "shm", "shmtest"))
	name := regexp.MustCompile(`\b(array|pipe|process|queue|ringbuf|sem|shm|shmtest|value)\.([A-Z][A-Za-z0-9]*)`)
	n := 0
	for _, doc := range []string{"README.md", "docs/guide.md", "docs/from-multiprocessing.md", "docs/guarantees.md"} {
		b, err := os.ReadFile(filepath.Join(root, doc))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range name.FindAllStringSubmatch(string(b), -1) {
			n++
			if !exported[m[1]][m[2]] {
				t.Errorf("%s names %s, which is not there", doc, m[0])
			}
		}
	}
	if n < 30 {
		t.Errorf("%d names were found", n)
	}
}

// exportedBy is what a package declares, its methods and fields too.
func exportedBy(t *testing.T, dir string) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatal(dir, err)
	}
	for _, f := range files {
		tree, err := parser.ParseFile(token.NewFileSet(), f, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range tree.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				names[d.Name.Name] = true
			case *ast.GenDecl:
				for _, s := range d.Specs {
					switch s := s.(type) {
					case *ast.TypeSpec:
						names[s.Name.Name] = true
					case *ast.ValueSpec:
						for _, id := range s.Names {
							names[id.Name] = true
						}
					}
				}
			}
		}
	}
	return names
}

package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The documents name tests and files. Both are there.
func TestDocuments(t *testing.T) {
	root := filepath.Join("..", "..")
	var tests strings.Builder
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(p, "_test.go") {
			return err
		}
		b, err := os.ReadFile(p)
		tests.Write(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	test := regexp.MustCompile(`\b(Test|Fuzz|Benchmark)[A-Z][A-Za-z]+`)
	code := regexp.MustCompile("`[^`\n]*`") // a call of New[T](n) is no link
	link := regexp.MustCompile(`\]\(([^)#"]+)\)`)
	documents, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil || len(documents) < 3 {
		t.Fatal(documents, err)
	}
	for _, d := range append(documents, filepath.Join(root, "README.md"), filepath.Join(root, "CONTRIBUTING.md")) {
		b, err := os.ReadFile(d)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range test.FindAllString(string(b), -1) {
			if !strings.Contains(tests.String(), "func "+name+"(") {
				t.Errorf("%s names %s, which is not there", d, name)
			}
		}
		for _, m := range link.FindAllStringSubmatch(code.ReplaceAllString(string(b), ""), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(d), m[1])); err != nil && !strings.Contains(m[1], "://") {
				t.Errorf("%s: %v", d, err)
			}
		}
	}
}

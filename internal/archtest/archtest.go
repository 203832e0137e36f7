// Package archtest holds the module to what its packages promise each other: which
// may import which, where unsafe may stand, how large files and functions may be,
// that exported names are documented, and that no second process is registered in
// vain. Its test checks the module; the rules are the functions here, each of which
// takes parsed files and returns what is wrong with them.
package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

// Module is the path that the packages' paths are relative to.
const Module = "github.com/shmkit/shmkit"

// File is one parsed Go file.
type File struct {
	Path   string // relative to the module's root, with slashes
	Source []byte
	AST    *ast.File
	Set    *token.FileSet
}

// Parse parses sources by path.
func Parse(path string, source []byte) (File, error) {
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, path, source, parser.ParseComments)
	return File{path, source, f, set}, err
}

// Load parses every Go file below root, for whatever system it is. Nested modules
// and what the go tool ignores are left out.
func Load(root string) (files []File, err error) {
	err = filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if p != root && foreign(p, d.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		if filepath.Ext(p) != ".go" {
			return nil
		}
		source, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		f, err := Parse(filepath.ToSlash(rel), source)
		files = append(files, f)
		return err
	})
	return files, err
}

func foreign(dir, name string) bool {
	if name == "testdata" || name[0] == '.' || name[0] == '_' {
		return true
	}
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

// Package is the directory of the file, which names its package.
func (f File) Package() string { return path.Dir(f.Path) }

// IsTest reports whether the go tool compiles the file for tests only.
func (f File) IsTest() bool { return strings.HasSuffix(f.Path, "_test.go") }

// external reports whether the file is a test that stands outside of the package.
func (f File) external() bool { return f.IsTest() && strings.HasSuffix(f.AST.Name.Name, "_test") }

// imports returns the paths that the file imports.
func (f File) imports() (paths []string) {
	for _, i := range f.AST.Imports {
		p, _ := strconv.Unquote(i.Path.Value)
		paths = append(paths, p)
	}
	return paths
}

// lines counts the lines from one position to another, both included.
func (f File) lines(from, to token.Pos) int {
	return f.Set.Position(to).Line - f.Set.Position(from).Line + 1
}

func (f File) at(n ast.Node) string {
	return fmt.Sprintf("%s:%d", f.Path, f.Set.Position(n.Pos()).Line)
}

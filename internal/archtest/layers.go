package archtest

import (
	"fmt"
	"slices"
	"strings"
)

// layers is the module from the ground up. A package may import those of its own
// layer and of lower ones.
var layers = [][]string{
	{"internal/abi", "internal/codec", "internal/fence", "internal/futex", "internal/owner", "internal/prefetch", "internal/race"},
	{"internal/park", "internal/wordwise"},
	{"internal/segment"},
	{"internal/annex"},
	{"sem", "shm"},
	{"array", "ringbuf", "value"},
	{"pipe", "process", "queue"}, // process carries its children's log records through a ring
	{"manager", "pool"},
}

// support is for tests: packages may import it in their tests only. It imports
// what it likes of the layers.
var support = []string{"internal/archtest", "internal/golden", "internal/killstep", "internal/proctest", "shm/shmtest"}

// tops are the roots of what imports anything and is imported by nothing below.
var tops = []string{"bench", "cmd", "examples", "include", "python"}

// modules are the foreign modules that everybody may import; more are for some.
var (
	modules = []string{"golang.org/x/sys", "github.com/edsrzf/mmap-go"}
	more    = map[string][]string{
		"internal/codec": {"github.com/fxamacker/cbor"},
	}
	forTests = []string{"github.com/google/go-cmp", "github.com/anishathalye/porcupine", "golang.org/x/net"}
)

// place is where a package stands: in a layer, or beside the layers.
type place int

const (
	unknown   place = -1
	supporter place = 100
	top       place = 101
)

func placeOf(pkg string) place {
	for i, l := range layers {
		if slices.Contains(l, pkg) {
			return place(i)
		}
	}
	if slices.Contains(support, pkg) {
		return supporter
	}
	if root, _, _ := strings.Cut(pkg, "/"); slices.Contains(tops, root) {
		return top
	}
	return unknown
}

// Layers reports imports against the direction of the layers, imports of foreign
// modules, and packages that have no place yet.
func Layers(files []File) (wrong []string) {
	told := map[string]bool{}
	for _, f := range files {
		if placeOf(f.Package()) == unknown {
			if !told[f.Package()] {
				wrong = append(wrong, fmt.Sprintf("package %s is in no layer; give it one in internal/archtest/layers.go", f.Package()))
			}
			told[f.Package()] = true
			continue
		}
		for _, imported := range f.imports() {
			if why := refuse(f, imported); why != "" {
				wrong = append(wrong, fmt.Sprintf("%s imports %s: %s", f.Path, imported, why))
			}
		}
	}
	return wrong
}

// refuse says why a file may not import something, "" if it may.
func refuse(f File, imported string) string {
	from := placeOf(f.Package())
	if from == top {
		return ""
	}
	pkg, own := strings.CutPrefix(imported, Module+"/")
	if !own {
		return refuseForeign(f, imported)
	}
	switch to := placeOf(pkg); {
	case to == unknown:
		return "it is in no layer"
	case to == top:
		return "nothing imports commands, benchmarks and examples"
	case f.external() || from == supporter:
		return ""
	case to == supporter && !f.IsTest():
		return "it is for tests"
	case to != supporter && to > from:
		return "it is in a higher layer"
	}
	return ""
}

func refuseForeign(f File, imported string) string {
	if root, _, _ := strings.Cut(imported, "/"); !strings.Contains(root, ".") {
		return "" // the standard library
	}
	allowed := slices.Concat(modules, more[f.Package()])
	if f.IsTest() {
		allowed = append(allowed, forTests...)
	}
	for _, m := range allowed {
		if imported == m || strings.HasPrefix(imported, m+"/") {
			return ""
		}
	}
	return "the library's packages do without that module"
}

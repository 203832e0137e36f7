package archtest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// plant parses sources as if they stood in the module.
func plant(t *testing.T, sources map[string]string) (files []File) {
	t.Helper()
	for path, source := range sources {
		f, err := Parse(path, []byte(source))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	return files
}

// verdict expects one complaint that contains want, or none if want is empty.
func verdict(t *testing.T, got []string, want string) {
	t.Helper()
	switch {
	case want == "" && len(got) > 0:
		t.Errorf("complains: %q", got)
	case want != "" && (len(got) != 1 || !strings.Contains(got[0], want)):
		t.Errorf("%q; want one with %q", got, want)
	}
}

func TestLayers(t *testing.T) {
	for _, c := range []struct{ file, clause, imported, want string }{
		{"sem/mutex.go", "sem", "@/internal/park", ""},
		{"sem/mutex.go", "sem", "sync/atomic", ""},
		{"ringbuf/spsc.go", "ringbuf", "@/sem", ""},
		{"value/value.go", "value", "@/ringbuf", ""},
		{"process/process.go", "process", "@/internal/owner", ""},
		{"internal/park/park.go", "park", "@/shm", "higher layer"},
		{"internal/owner/owner.go", "owner", "@/internal/park", "higher layer"},
		{"process/process.go", "process", "@/pool", "higher layer"},
		{"queue/queue.go", "queue", "@/pool", "higher layer"},
		{"shm/shm.go", "shm", "@/cmd/shmkit/internal/lab", "nothing imports commands"},
		{"shm/shm_test.go", "shm", "@/bench", "nothing imports commands"},
		{"shm/shm.go", "shm", "@/examples/ls", "nothing imports commands"},
		{"shm/shm.go", "shm", "@/internal/proctest", "for tests"},
		{"shm/shm_test.go", "shm", "@/internal/proctest", ""},
		{"shm/shmtest/shmtest.go", "shmtest", "@/internal/proctest", ""},
		{"shm/shm_test.go", "shm", "@/queue", "higher layer"},
		{"shm/example_test.go", "shm_test", "@/queue", ""},
		{"internal/util/util.go", "util", "fmt", "package internal/util is in no layer"},
		{"shm/shm.go", "shm", "@/internal/util", "in no layer"},
		{"shm/internal/x/x.go", "x", "fmt", "in no layer"},
		{"cmd/shmkit/main.go", "main", "github.com/spf13/cobra", ""},
		{"cmd/shmkit/main.go", "main", "@/bench", ""},
		{"shm/shm.go", "shm", "golang.org/x/sys/unix", ""},
		{"shm/shm.go", "shm", "golang.org/x/system", "without that module"},
		{"shm/shm.go", "shm", "github.com/edsrzf/mmap-go", ""},
		{"shm/shm.go", "shm", "github.com/google/go-cmp/cmp", "without that module"},
		{"shm/shm_test.go", "shm", "github.com/google/go-cmp/cmp", ""},
		{"shm/shm.go", "shm", "github.com/fxamacker/cbor/v2", "without that module"},
		{"internal/codec/cbor.go", "codec", "github.com/fxamacker/cbor/v2", ""},
	} {
		imported := strings.Replace(c.imported, "@", Module, 1)
		source := "package " + c.clause + "\nimport _ \"" + imported + "\"\n"
		t.Run(c.file+" "+c.imported, func(t *testing.T) {
			verdict(t, Layers(plant(t, map[string]string{c.file: source})), c.want)
		})
	}
}

func TestEveryPackageHasOnePlace(t *testing.T) {
	seen := map[string]bool{}
	for _, l := range append(layers, support) {
		for _, p := range l {
			if seen[p] {
				t.Errorf("%s stands twice in the table", p)
			}
			seen[p] = true
		}
	}
}

func TestUnsafe(t *testing.T) {
	for file, want := range map[string]string{
		"shm/map.go":                     "named *_unsafe*.go",
		"shm/map_test.go":                "named *_unsafe*.go",
		"shm/unsafe.go":                  "named *_unsafe*.go",
		"cmd/shmkit/main.go":             "named *_unsafe*.go",
		"shm/map_unsafe.go":              "",
		"shm/map_unsafe_linux.go":        "",
		"shm/map_unsafe_test.go":         "",
		"shm/map_unsafe_linux_amd64.go":  "",
		"examples/ls/name_unsafe_arm.go": "",
	} {
		verdict(t, Unsafe(plant(t, map[string]string{file: "package p\nimport \"unsafe\"\n"})), want)
	}
	verdict(t, Unsafe(plant(t, map[string]string{"shm/map.go": "package p\n// import \"unsafe\"\n"})), "")
}

func TestDocumented(t *testing.T) {
	for source, want := range map[string]string{
		"func F() {}":                                        "F has no doc",
		"// F is.\nfunc F() {}":                              "",
		"func f() {}":                                        "",
		"type T int":                                         "T has no doc",
		"// T is.\ntype T int":                               "",
		"// All.\ntype (\n\tT int\n)":                        "T has no doc",
		"type (\n\tT int // is\n)":                           "",
		"const (\n\tA = 1\n)":                                "A has no doc",
		"// These.\nconst (\n\tA = 1\n\tB = 2\n)":            "",
		"var (\n\t// V is.\n\tV int\n)":                      "",
		"var a, V int":                                       "V has no doc",
		"type t int\nfunc (t) M() {}":                        "",
		"// T is.\ntype T[A any] int\nfunc (t *T[A]) M() {}": "M has no doc",
		"// T is.\ntype T[A, B any] int\nfunc (t T[A, B]) M() {}": "M has no doc",
	} {
		t.Run(source, func(t *testing.T) {
			verdict(t, Documented(plant(t, map[string]string{"shm/a.go": "package shm\n\n" + source + "\n"})), want)
			verdict(t, Documented(plant(t, map[string]string{"shm/a_test.go": "package shm\n\n" + source + "\n"})), "")
		})
	}
}

func TestStarted(t *testing.T) {
	register := "package sem\nvar _ = proctest.Register(\"put\", nil)\n"
	verdict(t, Started(plant(t, map[string]string{"sem/a_test.go": register})), `sem/a_test.go:2: "put" is registered and never started`)
	verdict(t, Started(plant(t, map[string]string{
		"sem/a_test.go": register,
		"sem/b_test.go": "package sem\nfunc f() { proctest.Start(nil, `put`) }\n",
	})), "")
	verdict(t, Started(plant(t, map[string]string{
		"sem/a_test.go": register,
		"shm/b_test.go": "package shm\nvar x = \"put\"\n", // another package's text
	})), "never started")
	verdict(t, Started(plant(t, map[string]string{"sem/a_test.go": "package sem\nvar _ = other.Register(\"put\", nil)\n"})), "")
}

func TestTooLong(t *testing.T) {
	body := func(n int) string { return "package shm\nfunc f() {\n" + strings.Repeat("\n", n-2) + "}\n" }
	verdict(t, TooLong(plant(t, map[string]string{"shm/a.go": body(maxFunction)})), "")
	verdict(t, TooLong(plant(t, map[string]string{"shm/a.go": body(maxFunction + 1)})), "shm/a.go:2: f has 71 lines")
	verdict(t, TooLong(plant(t, map[string]string{"shm/a_test.go": body(maxFunction + 1)})), "")
	file := "package shm\n" + strings.Repeat("//\n", maxFile-1)
	verdict(t, TooLong(plant(t, map[string]string{"shm/a.go": file})), "")
	verdict(t, TooLong(plant(t, map[string]string{"shm/a.go": file + "//\n"})), "has 501 lines")
	verdict(t, TooLong(plant(t, map[string]string{"shm/a_test.go": file + "//\n"})), "has 501 lines")
}

func TestMeasure(t *testing.T) {
	got := Measure(plant(t, map[string]string{
		"a/a.go":      "// Package a is.\npackage a\n\nfunc f() { // not counted\n}\n",
		"a/b.go":      "package a\n/*\n*/\nfunc g() {}\n\nfunc h() int\n",
		"a/c_test.go": "package a\n\n// c\n",
	}))
	want := Sizes{Files: Spread{2, 6, 6, 6}, Functions: Spread{2, 2, 2, 2}, Code: 11, Tests: 3, Comments: 3}
	if got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if s := got.String(); !strings.Contains(s, "comments 27 %") || !strings.Contains(s, "tests:code 0.27") {
		t.Error(s)
	}
	if got := Measure(nil); got != (Sizes{}) {
		t.Errorf("nothing: %+v", got)
	}
	many := make([]int, 100)
	for i := range many {
		many[99-i] = i
	}
	if got := spread(many); got != (Spread{100, 50, 95, 99}) {
		t.Errorf("0…99: %+v", got)
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	for _, p := range []string{
		"go.mod", "a/a.go", "a/a_windows.go", "a/notes.txt",
		"a/testdata/x.go", ".hidden/x.go", "_old/x.go", "nested/go.mod", "nested/x.go",
	} {
		os.MkdirAll(filepath.Join(dir, filepath.Dir(p)), 0o700)
		if err := os.WriteFile(filepath.Join(dir, p), []byte("package a\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files, err := Load(dir)
	if err != nil || len(files) != 2 || files[0].Path != "a/a.go" || files[1].Path != "a/a_windows.go" {
		t.Errorf("%v: %v", err, files)
	}
	os.WriteFile(filepath.Join(dir, "a/a.go"), []byte("no Go"), 0o600)
	if _, err := Load(dir); err == nil {
		t.Error("a file that does not parse was loaded")
	}
	if _, err := Load(filepath.Join(dir, "none")); err == nil {
		t.Error("a directory that does not exist was loaded")
	}
}

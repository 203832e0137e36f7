package main

import (
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/shmkit/shmkit/shm"
	"github.com/shmkit/shmkit/shm/shmtest"
)

// again makes the test binary the program.
const again = "SHMKIT_EXAMPLE_HITS"

func TestMain(m *testing.M) {
	if os.Getenv(again) != "" {
		main()
		return
	}
	shmtest.Main(m)
}

func TestManyProcesses(t *testing.T) {
	const runs = 8
	var all sync.WaitGroup
	seen := make([]string, runs)
	for i := range runs {
		all.Go(func() {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), again+"=1")
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("%v: %s", err, out)
			}
			seen[i] = string(out)
		})
	}
	all.Wait()
	distinct := map[string]bool{}
	for _, s := range seen {
		distinct[s] = true
	}
	if len(distinct) != runs || !distinct["hits: 1\n"] || !distinct["hits: 8\n"] {
		t.Errorf("%q", seen)
	}
	v, err := shm.Open[Stats]("example.hits")
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	if err := v.Unlink(); err != nil || v.Ptr().Hits != runs {
		t.Errorf("%d hits, %v", v.Ptr().Hits, err)
	}
}

// The example of the README is this program, so it compiles and does what the test above says.
func TestREADME(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	_, block, found := strings.Cut(string(readme), "```go\n")
	block, _, _ = strings.Cut(block, "```\n")
	_, want, _ := strings.Cut(string(program), "\npackage main\n")
	if _, got, ok := strings.Cut(block, "package main\n"); !found || !ok || got != want {
		t.Errorf("the README's example is not examples/hits/main.go, but:\n%s", block)
	}
}

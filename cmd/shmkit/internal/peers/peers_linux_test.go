package peers

import (
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestBuildAndRun(t *testing.T) {
	dir := t.TempDir()
	s, err := Build(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, tool := range s.Tools {
		if tool.Absent != "" {
			if strings.Contains(tool.Absent, "exit status") {
				t.Errorf("%s is here but does not build: %s", tool.Name, tool.Absent)
			}
			t.Logf("%s is not tried: %s", tool.Name, tool.Absent)
		} else if tool.Compiler == "" {
			t.Errorf("%s has no version", tool.Name)
		}
	}
	for _, p := range s.Peers {
		sample(t, p)
	}
}

// sample runs a peer for a moment and checks that it measured something.
func sample(t *testing.T, p Peer) {
	args := append(p.Command[1:len(p.Command):len(p.Command)], "5", "20", "-1", "-1")
	cmd := exec.CommandContext(t.Context(), p.Command[0], args...)
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("%s in %s: %v", p.Name, p.Group, err)
		return
	}
	for line := range strings.Lines(string(out)) {
		metric, number, _ := strings.Cut(strings.TrimSpace(line), "\t")
		v, err := strconv.ParseFloat(number, 64)
		if err == nil && v > 0 && slices.Contains([]string{"throughput", "time", "p99.9"}, metric) {
			return
		}
	}
	t.Errorf("%s in %s: nothing is measured by %q", p.Name, p.Group, out)
}

func TestListIsConsistent(t *testing.T) {
	seen := map[[2]string]bool{}
	for _, p := range list {
		key := [2]string{p.group, p.name}
		if seen[key] {
			t.Errorf("%s is in %s twice", p.name, p.group)
		}
		seen[key] = true
		source := p.program
		switch source {
		case python:
		case rust:
			source += "/main.rs"
		case "exec":
			source += ".go"
		default:
			source += ".cc"
		}
		if _, err := sources.Open(source); err != nil {
			t.Errorf("%s: %v", p.name, err)
		}
	}
}

func TestAbsentToolsAreNamed(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	s, err := Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Peers) != 0 {
		t.Errorf("%d peers without any tool", len(s.Peers))
	}
	for _, tool := range s.Tools {
		if tool.Absent == "" {
			t.Errorf("%s is said to be here", tool.Name)
		}
	}
}

func TestBrokenProgramIsNamed(t *testing.T) {
	path, err := exec.LookPath("g++")
	if err != nil {
		t.Skip("there is no g++ on this machine to be broken")
	}
	b := &builder{ctx: t.Context(), dir: t.TempDir(), compiler: path, built: map[string]bool{}}
	if err := b.compile("nosuch"); err == nil || !strings.Contains(err.Error(), "nosuch.cc") {
		t.Errorf("compile of a missing source: %v", err)
	}
	if b.built["nosuch"] {
		t.Error("it counts as built")
	}
	if b.command(peer{"x", "y", "nosuch", "z"}) != nil {
		t.Error("it would be run")
	}
}

func TestUnpacksItsSources(t *testing.T) {
	names, err := fs.ReadDir(sources, ".")
	if err != nil {
		t.Fatal(err)
	}
	if len(names) < 8 {
		t.Errorf("only %d files are carried", len(names))
	}
	for _, n := range names {
		if filepath.Ext(n.Name()) == ".go" && n.Name() != "exec.go" && n.Name() != "empty.go" {
			t.Errorf("%s is carried for nothing", n.Name())
		}
	}
}

// Package peers knows the yardsticks that are programs of their own: the small C++,
// Rust, Python and Go ones of bench/peers, which it builds and knows how to call.
//
// Each takes one sample when it is run and prints its values, a metric and a
// number a line, separated by a tab:
//
//	PROGRAM CASE WARM_MS WINDOW_MS CPU0 CPU1
package peers

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/shmkit/shmkit/bench"
)

// sources are the programs' sources.
var sources, _ = fs.Sub(bench.Peers, "peers")

// Flags are what the C++ programs are compiled with.
const Flags = "-O3 -march=native -std=c++17"

// Peer is one rival in one group.
type Peer struct {
	Name  string // what a report calls it
	Group string // the name of the group that it joins
	// Command is the program and its first arguments; the caller adds WARM_MS
	// and what follows.
	Command []string
}

// Tool is what some peers need, and whether it is here.
type Tool struct {
	Name     string // C++, Boost, Python …
	Compiler string // or interpreter, with its version
	Flags    string
	Absent   string // why it cannot be used; empty: it can
}

// Set is the peers that this machine can run.
type Set struct {
	Tools []Tool
	Peers []Peer
}

// Build builds in dir what this machine can build. What it cannot is no error:
// it is named, with the reason, among the tools.
func Build(ctx context.Context, dir string) (*Set, error) {
	if err := os.CopyFS(dir, sources); err != nil {
		return nil, fmt.Errorf("peers: unpack the sources: %w", err)
	}
	b := &builder{ctx: ctx, dir: dir}
	s := &Set{Tools: []Tool{b.cpp(), b.boost(), b.moodycamel(), b.crossbeam(), b.python(), b.golang()}}
	for _, p := range list {
		if command := b.command(p); command != nil {
			s.Peers = append(s.Peers, Peer{p.name, p.group, append(command, p.arg)})
		}
	}
	return s, ctx.Err()
}

// builder builds programs into a directory that holds their sources.
type builder struct {
	ctx      context.Context
	dir      string
	compiler string // path of g++; empty: there is none
	version  string
	snake    string          // path of python3
	built    map[string]bool // programs
}

// command is how to run a peer, or nil.
func (b *builder) command(p peer) []string {
	switch {
	case p.program == python && b.snake != "":
		return []string{b.snake, filepath.Join(b.dir, python)}
	case p.program == rust && b.built[rust]:
		return []string{filepath.Join(b.dir, rust, "target", "release", rustBinary)}
	case b.built[p.program]:
		return []string{filepath.Join(b.dir, p.program)}
	}
	return nil
}

// cpp finds the compiler and builds what needs nothing else.
func (b *builder) cpp() Tool {
	t := Tool{Name: "C++", Flags: Flags}
	b.built = map[string]bool{}
	path, err := exec.LookPath("g++")
	if err != nil {
		t.Absent = "there is no g++ on this machine"
		return t
	}
	if b.version, err = b.firstLine(path, "--version"); err != nil {
		t.Absent = err.Error()
		return t
	}
	b.compiler, t.Compiler = path, b.version
	if err := b.compile("spsc", "bytes", "mpmc", "posixmq", "limits", "glibc", "rwlock", "cond", "event", "turns", "atomics"); err != nil {
		t.Absent = err.Error()
	}
	return t
}

// boost builds what needs Boost's headers.
func (b *builder) boost() Tool {
	t := Tool{Name: "Boost", Compiler: b.version, Flags: Flags}
	if b.compiler == "" {
		t.Absent = "there is no g++ on this machine"
		return t
	}
	version, err := b.macro("boost/version.hpp", "BOOST_LIB_VERSION")
	if err != nil {
		t.Absent = "its headers are not installed"
		return t
	}
	t.Name = "Boost " + strings.ReplaceAll(strings.Trim(version, `"`), "_", ".")
	if err := b.compile("boost"); err != nil {
		t.Absent = err.Error()
	}
	return t
}

// moodycamel builds what needs the header of moodycamel::ConcurrentQueue.
func (b *builder) moodycamel() Tool {
	t := Tool{Name: "moodycamel", Compiler: b.version, Flags: Flags}
	switch {
	case b.compiler == "":
		t.Absent = "there is no g++ on this machine"
	case !b.has("concurrentqueue.h", "concurrentqueue/concurrentqueue.h", "concurrentqueue/moodycamel/concurrentqueue.h"):
		t.Absent = "its header is not installed"
	default:
		if err := b.compile("moodycamel"); err != nil {
			t.Absent = err.Error()
		}
	}
	return t
}

// has reports whether the compiler finds one of the headers.
func (b *builder) has(headers ...string) bool {
	return slices.ContainsFunc(headers, func(h string) bool {
		_, err := b.macro(h, "")
		return err == nil
	})
}

// python finds an interpreter that has multiprocessing.
func (b *builder) python() Tool {
	t := Tool{Name: "Python"}
	path, err := exec.LookPath("python3")
	if err != nil {
		t.Absent = "there is no python3 on this machine"
		return t
	}
	t.Compiler, err = b.firstLine(path, "-c", "import multiprocessing, sys; print('Python', sys.version.split()[0])")
	if err != nil {
		t.Absent = err.Error()
		return t
	}
	b.snake = path
	return t
}

// golang builds the programs in Go, which are those of no module.
func (b *builder) golang() Tool {
	t := Tool{Name: "Go"}
	path, err := exec.LookPath("go")
	if err != nil {
		t.Absent = "there is no go command on this machine"
		return t
	}
	if t.Compiler, err = b.firstLine(path, "version"); err != nil {
		t.Absent = err.Error()
		return t
	}
	for _, p := range []string{"empty", "exec"} {
		err := b.run(path, "build", "-o", p, p+".go")
		if b.built[p] = err == nil; err != nil {
			t.Absent = err.Error()
		}
	}
	return t
}

// compile builds programs, two at a time: each takes a second of a CPU.
func (b *builder) compile(programs ...string) error {
	errs := make([]error, len(programs))
	var wg sync.WaitGroup
	turn := make(chan struct{}, 2)
	for i, p := range programs {
		wg.Go(func() {
			turn <- struct{}{}
			defer func() { <-turn }()
			args := append(strings.Fields(Flags), "-o", p, p+".cc", "-lpthread", "-lrt")
			errs[i] = b.run(b.compiler, args...)
		})
	}
	wg.Wait()
	for i, p := range programs {
		b.built[p] = errs[i] == nil
	}
	return errors.Join(errs...)
}

// run runs a compiler in the directory; its complaint is the error.
func (b *builder) run(name string, args ...string) error {
	cmd := exec.CommandContext(b.ctx, name, args...)
	cmd.Dir = b.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, head(string(out), 5))
	}
	return nil
}

// macro is what a header defines a name to.
func (b *builder) macro(header, name string) (string, error) {
	cmd := exec.CommandContext(b.ctx, b.compiler, "-E", "-P", "-x", "c++", "-")
	cmd.Stdin = strings.NewReader("#include <" + header + ">\n" + name + "\n")
	out, err := cmd.Output()
	if err != nil {
		return "", err
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return lines[len(lines)-1], nil
}

// firstLine is the first line that a command prints.
func (b *builder) firstLine(name string, args ...string) (string, error) {
	out, err := exec.CommandContext(b.ctx, name, args...).Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return line, nil
}

// head is the first n lines of s.
func head(s string, n int) string {
	lines := strings.SplitN(s, "\n", n+1)
	return strings.Join(lines[:min(n, len(lines))], "\n")
}

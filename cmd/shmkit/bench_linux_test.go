package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shmkit/shmkit/cmd/shmkit/internal/lab"
	"github.com/shmkit/shmkit/cmd/shmkit/internal/report"
)

// benchLines runs bench -json and decodes its lines.
func benchLines(t *testing.T, args ...string) []map[string]any {
	t.Helper()
	code, out, log := shmkit(t, append([]string{"bench", "-json"}, args...)...)
	if code != exitOK {
		t.Fatalf("bench %q ends with %d: %s", args, code, log)
	}
	var ls []map[string]any
	for line := range strings.Lines(out) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		ls = append(ls, m)
	}
	return ls
}

// with are the lines that have that value.
func with(ls []map[string]any, key string, value any) (out []map[string]any) {
	for _, l := range ls {
		if l[key] == value {
			out = append(out, l)
		}
	}
	return out
}

// The whole of a short run: it ends in time, the lines arrive, everybody is
// there and nobody fails.
func TestBenchShort(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes ten to twenty seconds")
	}
	text := strings.Repeat("a line\nanother, longer line\n\n", 5000) + "the end"
	dir := t.TempDir()
	file, picture := filepath.Join(dir, "lines"), filepath.Join(dir, "bench.svg")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	ls := benchLines(t, "-short", "-svg", picture, file)
	if d := time.Since(begin); d > 20*time.Second {
		t.Errorf("bench -short took %v", d)
	}
	sum := sha256.Sum256([]byte(text))
	c := with(ls, "check", "sha256")
	if len(c) != 1 || c[0]["ok"] != true || c[0]["sha256"] != hex.EncodeToString(sum[:]) || c[0]["messages"] != 15001.0 {
		t.Errorf("the check is %v", c)
	}
	for _, l := range ls {
		if l["failed"] != nil {
			t.Errorf("failed: %v", l)
		}
	}
	// It has kept its time and named no failure, but the time was over before everybody had a turn. That each
	// case can be measured is for TestEveryCaseRuns to show, which has no such limit.
	if len(with(ls, "repetitions", 0.0)) > 0 {
		t.Skip("this machine is too busy to measure everybody once in that time")
	}
	for _, name := range []string{"lines/files", "spsc/8B", "spsc/8B/batch64", "bytes/1MiB/rtt/busy", "mutex/contended"} {
		if len(with(with(ls, "case", name), "subject", "shmkit")) == 0 {
			t.Errorf("nothing is said of %s", name)
		}
	}
	for _, vs := range []string{"pipe", "unix"} {
		v := with(with(with(ls, "case", "spsc/64B/rtt/blocking"), "vs", vs), "metric", "p50")
		if len(v) != 1 || v[0]["ratio"].(float64) <= 0 || v[0]["state"] == "" {
			t.Errorf("the verdict beside %s is %v", vs, v)
		}
	}
	if svg, err := os.ReadFile(picture); err != nil || !bytes.Contains(svg, []byte("<svg")) {
		t.Errorf("the picture: %d bytes, %v", len(svg), err)
	}
}

func TestBenchRun(t *testing.T) {
	ls := benchLines(t, "-short", "-n", "1", "-run", "^spsc/8B/batch64$")
	for _, l := range ls {
		if c, ok := l["case"]; ok && c != "spsc/8B/batch64" {
			t.Errorf("-run let %v through", c)
		}
	}
	if got := with(ls, "subject", "shmkit"); len(got) != 1 || got[0]["n"] != 1.0 {
		t.Errorf("-n 1 gives %v", got)
	}
}

// What a plain run leaves out is there as soon as somebody chooses.
func TestBenchChoosesAmongAll(t *testing.T) {
	file := filepath.Join(t.TempDir(), "lines")
	if err := os.WriteFile(file, []byte("a line\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	has := func(f benchFlags, name string) bool {
		gs, err := f.groups(t.Context(), t.TempDir(), []string{file}, short, regexp.MustCompile(f.run), new(report.Bench))
		if err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(gs, func(g lab.Group) bool { return g.Name == name })
	}
	if has(benchFlags{}, "mutex/oversub16") || !has(benchFlags{}, "mutex/contended") {
		t.Error("a plain run does not have the groups that it should")
	}
	if !has(benchFlags{run: "."}, "mutex/oversub16") {
		t.Error("-run . does not have all groups")
	}
	t.Setenv("PATH", t.TempDir()) // nothing is built
	if !has(benchFlags{peers: true}, "mutex/oversub16") {
		t.Error("-peers does not have all groups")
	}
}

func TestBenchTable(t *testing.T) {
	code, out, _ := shmkit(t, "bench", "-short", "-n", "1", "-run", "^mutex/")
	if code != exitOK {
		t.Fatalf("it ends with %d", code)
	}
	for _, want := range []string{"mutex/uncontended", "mutex/contended", "flock", "shmkit", "alone 1"} {
		if !strings.Contains(out, want) {
			t.Errorf("the table does not have %q:\n%s", want, out)
		}
	}
}

// With -peers what is absent is named, and the run goes on.
func TestBenchWithoutPeers(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	ls := benchLines(t, "-short", "-n", "1", "-peers", "-run", "^spsc/8B/batch64$")
	for _, name := range []string{"C++", "Boost", "Python"} {
		p := with(ls, "peer", name)
		if len(p) != 1 || p[0]["absent"] == nil {
			t.Errorf("%s is not named as absent: %v", name, p)
		}
	}
}

func TestBenchCannotDraw(t *testing.T) {
	code, _, log := shmkit(t, "bench", "-short", "-n", "1", "-run", "^spsc/8B/batch64$", "-svg", "/nosuch/dir/x.svg")
	if code != exitNotFound || !strings.Contains(log, "/nosuch/dir") {
		t.Errorf("it ends with %d: %s", code, log)
	}
}

// A run leaves nothing behind in the directory for temporary files.
func TestBenchCleansUp(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	benchLines(t, "-short", "-n", "1", "-run", "^mutex/uncontended$|^lines/")
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left are %v, %v", left, err)
	}
}

func TestPace(t *testing.T) {
	for _, c := range []struct {
		f      benchFlags
		reps   int
		budget time.Duration
	}{
		{benchFlags{}, 5, usual.budget},
		{benchFlags{short: true}, 2, short.budget},
		{benchFlags{n: 9}, 9, 0},
		{benchFlags{peers: true}, 5, 0},
	} {
		if p := c.f.pace(); p.reps != c.reps || p.budget != c.budget {
			t.Errorf("%+v: %d repetitions in %v", c.f, p.reps, p.budget)
		}
	}
	if usual.budget >= 2*time.Minute || short.budget >= 20*time.Second {
		t.Error("a run may take longer than it promises")
	}
}

func TestProgressIsForTerminals(t *testing.T) {
	var b bytes.Buffer
	p := newProgress(&b)
	p.step(1, 2)
	p.end()
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p = newProgress(f)
	p.step(1, 2)
	p.end()
	if i, err := f.Stat(); err != nil || i.Size() != 0 || b.Len() != 0 {
		t.Errorf("progress was written to what is no terminal: %q, %d bytes", b.String(), i.Size())
	}
}

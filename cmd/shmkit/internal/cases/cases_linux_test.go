package cases

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shmkit/shmkit/cmd/shmkit/internal/corpus"
	"github.com/shmkit/shmkit/cmd/shmkit/internal/lab"
	"github.com/shmkit/shmkit/cmd/shmkit/internal/peers"
	"github.com/shmkit/shmkit/process"
)

// TestMain lets the test binary be its own workers, as the command is.
func TestMain(m *testing.M) {
	process.Main()
	if len(os.Args) > 1 && os.Args[1] == "worker" {
		if err := lab.Main(os.Args[2:], os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Setenv("GORACE", "atexit_sleep_ms=0") // else a worker of a race build takes a second to end
	os.Exit(m.Run())
}

func testLab(t *testing.T) *lab.Lab {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	l, err := lab.New([]string{exe, "worker"}, time.Millisecond, 10*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

// check runs groups once and fails unless everybody yields every metric.
func check(t *testing.T, gs []lab.Group) {
	t.Helper()
	o, err := testLab(t).Run(t.Context(), lab.Plan{Groups: gs, Reps: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range o.Results {
		for _, s := range slices.Concat(r.Cases, r.Rivals) {
			if s.Err != nil {
				t.Errorf("%s, %s: %v", r.Group.Name, s.Subject, s.Err)
				continue
			}
			for _, m := range r.Group.Kind.Metrics {
				if d := s.Spread(m.Name); d.N != 1 || d.Median <= 0 && m.Name != "fairness" {
					t.Errorf("%s, %s: %s is %v", r.Group.Name, s.Subject, m.Name, d)
				}
			}
		}
	}
}

func TestEveryCaseRuns(t *testing.T) {
	gs := lab.Groups()
	if len(gs) < 20 {
		t.Fatalf("only %d groups are registered", len(gs))
	}
	check(t, gs)
}

// The names that other programs look for.
func TestNames(t *testing.T) {
	var names []string
	for _, g := range lab.Groups() {
		for _, c := range g.Cases {
			names = append(names, c.Name)
			if c.Subject.Name() != ours {
				t.Errorf("the subject of %s is called %s", c.Name, c.Subject.Name())
			}
		}
		if len(g.Cases) > 0 && g.Cases[0].Name != g.Name {
			t.Errorf("group %s is not named after its first case", g.Name)
		}
	}
	for _, want := range []string{
		"spsc/8B", "spsc/8B/inplace", "spsc/8B/batch64", "spsc/64B", "spsc/64B/inplace", "bytes/64B", "bytes/64KiB",
		"spsc/8B/rtt/busy", "spsc/8B/rtt/blocking", "spsc/64B/rtt/busy", "bytes/1KiB/rtt/busy", "bytes/64KiB/rtt/blocking",
		"bytes/1MiB/rtt/busy", "mutex/uncontended", "mutex/contended", "semaphore/uncontended",
		"mutex/turns2", "mutex/oversub16", "rmutex/pair", "rmutex/contended", "rwmutex/read", "rwmutex/write", "rwmutex/readers2", "rwmutex/mixed2",
		"bounded/pair", "bounded/contended", "semaphore/rtt/blocking", "cond/signal", "cond/pingpong", "event/isset", "event/setclear",
		"event/pingpong", "event/wake", "barrier/one", "barrier/pingpong", "once/done", "waitgroup/pair", "waitgroup/enter", "waitgroup/wait",
		"queue/8B", "queue/simple", "queue/record", "queue/1MiB", "queue/joinable", "queue/20x20",
		"value/load", "value/add", "value/update64", "value/store64/beside", "array/load", "array/store", "array/slice", "array/writers2",
	} {
		if !slices.Contains(names, want) {
			t.Errorf("there is no case %s", want)
		}
	}
}

func TestLinesArriveWhole(t *testing.T) {
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for i := range 3000 {
		fmt.Fprintln(f, strings.Repeat("x", i%200))
	}
	fmt.Fprint(f, strings.Repeat("long ", 50_000), "\n", "unfinished")
	for _, piece := range []int{0, 1024} {
		c, err := corpus.Of([]string{f.Name(), f.Name()})
		if err != nil {
			t.Fatal(err)
		}
		c.Piece = piece
		sum, err := c.Sum()
		if err != nil {
			t.Fatal(err)
		}
		check(t, []lab.Group{Lines(c, sum)})
	}
}

// A sum that is not what was sent is found out, by every way of sending.
func TestLinesAreChecked(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c, err := corpus.Of([]string{exe})
	if err != nil {
		t.Fatal(err)
	}
	c.Piece = 64 << 10
	sum, err := c.Sum()
	if err != nil {
		t.Fatal(err)
	}
	sum.Messages++
	o, err := testLab(t).Run(t.Context(), lab.Plan{Groups: []lab.Group{Lines(c, sum)}, Reps: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range slices.Concat(o.Results[0].Cases, o.Results[0].Rivals) {
		if s.Err == nil || !strings.Contains(s.Err.Error(), "the far side got") {
			t.Errorf("%s%s did not notice that a message is missing: %v", s.Case, s.Subject, s.Err)
		}
	}
}

func TestPeersJoin(t *testing.T) {
	gs := lab.Groups()
	before := len(gs[0].Rivals)
	ps := []peers.Peer{
		{Name: "one", Group: gs[0].Name, Command: []string{"x"}},
		{Name: "two", Group: "nosuch/8B/rtt/busy", Command: []string{"y"}},
		{Name: "three", Group: "nosuch/8B/rtt/busy", Command: []string{"z"}},
	}
	joined := Join(slices.Clone(gs), ps)
	if len(joined) != len(gs)+1 {
		t.Fatalf("%d groups became %d, want one more", len(gs), len(joined))
	}
	if r := joined[0].Rivals; r[len(r)-1].Name() != "one" || len(r) != before+1 {
		t.Errorf("the rivals of %s are %v", joined[0].Name, r)
	}
	if g := joined[len(gs)]; len(g.Rivals) != 2 || g.Kind.Name != lab.RoundTrip.Name {
		t.Errorf("the new group is %+v", g)
	}
	if len(lab.Groups()[0].Rivals) != before {
		t.Error("the registry has changed")
	}
}

func TestProgram(t *testing.T) {
	l := testLab(t)
	run := func(script string) (lab.Values, error) {
		return program{peers.Peer{Name: "sh", Command: []string{"sh", "-c", script, "case"}}}.Sample(t.Context(), l, lab.Messages)
	}
	v, err := run(`printf 'throughput\t%s\nwindow\t%s\n' "$1" "$2"`)
	if err != nil || v["throughput"] != 1 || v["window"] != 10 {
		t.Errorf("%v, %v", v, err)
	}
	for what, script := range map[string]string{
		"it fails":          "echo out of luck >&2; exit 1",
		"it says nothing":   "true",
		"it says nonsense":  "echo hello",
		"it says no number": `printf 'throughput\tmany\n'`,
	} {
		if _, err := run(script); err == nil {
			t.Errorf("%s, and that is no error", what)
		}
	}
	if _, err := run("echo out of luck >&2; exit 1"); !strings.Contains(err.Error(), "out of luck") {
		t.Errorf("its complaint is lost: %v", err)
	}
}

func TestKindOf(t *testing.T) {
	for _, g := range lab.Groups() {
		if k := kindOf(g.Name); k.Name != g.Kind.Name {
			t.Errorf("%s is taken for %s, and is %s", g.Name, k.Name, g.Kind.Name)
		}
	}
}

func TestSelectKeepsRivals(t *testing.T) {
	gs := lab.Select(lab.Groups(), regexp.MustCompile("^spsc/8B/batch64$"))
	if len(gs) != 1 || len(gs[0].Cases) != 1 || len(gs[0].Rivals) != 2 {
		t.Errorf("%+v", gs)
	}
}

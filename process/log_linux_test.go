package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestLogHandler(t *testing.T) {
	var b bytes.Buffer
	l := slog.New(LogHandler(&b, &slog.HandlerOptions{Level: slog.LevelDebug}))
	l.Info("plain")
	l.With("a", 1).WithGroup("g").Warn("two\nlines", "b", "x y", "msg", "", "level", "high")
	l.Debug("", slog.Group("g", "k", time.Second))
	l.Error("error", "msg", "kept")
	want := `[INFO/MainProcess] plain
[WARN/MainProcess] two\nlines a=1 g.b="x y" g.msg="" g.level=high
[DEBUG/MainProcess]  g.k=1s
[ERROR/MainProcess] error msg=kept
`
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", &b, want)
	}
	b.Reset()
	quiet := slog.New(LogHandler(&b, &slog.HandlerOptions{Level: slog.LevelWarn, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.LevelKey {
			a.Value = slog.StringValue("W")
		}
		return a
	}}))
	quiet.Info("not shown")
	quiet.Warn("shown")
	if b.String() != "[W/MainProcess] shown\n" {
		t.Errorf("%q", &b)
	}
	if err := LogHandler(brokenWriter{}, nil).Handle(bg, slog.Record{}); err != io.ErrClosedPipe {
		t.Errorf("%v", err)
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// shouts has several goroutines log at the same time.
var shouts = Register("shouts", func(_ context.Context, width int) error {
	l := slog.New(LogHandler(os.Stderr, nil))
	var all sync.WaitGroup
	for g := range 4 {
		all.Go(func() {
			for i := range 50 {
				l.Info(strings.Repeat(string(rune('a'+g)), width), "i", i)
			}
		})
	}
	all.Wait()
	return nil
})

// Lines of several processes are whole, on a pipe also those that the kernel does not keep together.
func TestLinesDoNotInterleave(t *testing.T) {
	const n = 4
	file, err := os.OpenFile(filepath.Join(t.TempDir(), "log"), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	read := make(chan []byte, 1)
	go func() {
		b, _ := io.ReadAll(r)
		read <- b
	}()
	for out, width := range map[*os.File]int{file: 20_000, w: 9_000} {
		var ps []*Process
		for range n {
			p := shouts.Command(bg, width)
			p.Stderr = out
			ps = append(ps, launchedAs(t, p))
		}
		for _, p := range ps {
			if err := joined(t, p); err != nil {
				t.Error(err)
			}
		}
	}
	w.Close()
	whole(t, "pipe", <-read, n*200, 9_000)
	b, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	whole(t, "file", b, n*200, 20_000)
}

func whole(t *testing.T, where string, b []byte, n, width int) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
	if len(lines) != n {
		t.Errorf("%s: %d lines, want %d", where, len(lines), n)
	}
	for _, l := range lines {
		_, text, _ := strings.Cut(l, "] ")
		body, i, ok := strings.Cut(text, " i=")
		if !ok || len(body) != width || strings.Trim(body, body[:1]) != "" || len(i) > 2 || !strings.HasPrefix(l, "[INFO/Process-") {
			t.Fatalf("%s: %.100s… is not whole", where, l)
		}
	}
}

func init() { // as a main would before process.Main
	if os.Getenv(envLifecycle) != "" {
		SetLogger(slog.New(LogHandler(os.Stderr, nil)))
	}
}

const envLifecycle = "SHMKIT_TEST_LIFECYCLE"

func TestLifecycle(t *testing.T) {
	t.Setenv(envLifecycle, "1")
	var b syncBuffer
	SetLogger(slog.New(LogHandler(&b, nil)))
	defer SetLogger(nil)
	for _, how := range []int{0, 3} {
		p := quits.Command(bg, how)
		p.Name, p.Stderr = fmt.Sprint("child ", how), &b
		launchedAs(t, p)
		joined(t, p)
	}
	p := quits.Command(bg, -1)
	p.Name, p.Stderr = "victim", &b
	launchedAs(t, p)
	p.Kill()
	joined(t, p)
	for _, want := range []string{
		"[INFO/MainProcess] started child 0 pid=", "[INFO/child 0] running quits pid=", "[INFO/child 0] exiting code=0",
		"[ERROR/child 3] exiting code=1 error=\"three\"",
		"[WARN/MainProcess] victim was ended by a signal signal=killed pid=",
	} {
		if !strings.Contains(b.String(), want) && !strings.Contains(b.String(), strings.ReplaceAll(want, `"`, "")) {
			t.Errorf("%q is not in\n%s", want, &b)
		}
	}
}

// quits returns an error, or nil, or not at all.
var quits = Register("quits", func(_ context.Context, how int) error {
	switch how {
	case 0:
		return nil
	case 3:
		return errors.New("three")
	}
	return forever()
})

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(b)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// ships logs by CollectLogs, and counts on standard output what is safe. With depth it has a child do the same.
type ship struct {
	Depth, N, Width int
}

var ships *Func[ship]

func init() {
	ships = Register("ships", func(ctx context.Context, s ship) error {
		h, stop := CollectLogs(slog.NewTextHandler(os.Stderr, nil))
		defer stop()
		l := slog.New(h).With("with", true).WithGroup("group")
		if s.Depth > 0 {
			if _, err := ships.Start(ctx, ship{s.Depth - 1, s.N, s.Width}); err != nil {
				return err
			}
		}
		for i := 0; i < s.N || s.N < 0; i++ {
			l.Info(strings.Repeat("x", s.Width), "i", i, "took", time.Second, "err", io.EOF, "at", time.Unix(1, 0).UTC(), "f", 1.5)
			fmt.Println(Current().Name, i)
		}
		return nil
	})
}

// gathered is a handler that keeps what it gets.
type gathered struct {
	mu  sync.Mutex
	all []string
}

func (g *gathered) Enabled(context.Context, slog.Level) bool { return true }
func (g *gathered) WithGroup(string) slog.Handler            { panic("not used") }
func (g *gathered) WithAttrs(as []slog.Attr) slog.Handler    { return &labelled{g, as[0].String()} }
func (g *gathered) Handle(_ context.Context, r slog.Record) error {
	return (&labelled{g, ""}).Handle(bg, r)
}

type labelled struct {
	*gathered
	label string
}

func (l *labelled) Handle(_ context.Context, r slog.Record) error {
	s := fmt.Sprintf("%s %v %d", l.label, r.Level, len(r.Message))
	r.Attrs(func(a slog.Attr) bool { s += " " + a.String(); return true })
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, s)
	return nil
}

func TestCollectLogs(t *testing.T) {
	g := &gathered{}
	_, stop := CollectLogs(g)
	defer stop()
	for _, width := range []int{3, 600, 20_000, 200_000} {
		g.mu.Lock()
		g.all = nil
		g.mu.Unlock()
		p := ships.Command(bg, ship{0, 20, width})
		p.Stdout = io.Discard
		launchedAs(t, p)
		if err := joined(t, p); err != nil {
			t.Fatal(err)
		}
		g.mu.Lock() // all are here, now that it is joined
		if len(g.all) != 20 {
			t.Errorf("%d records of 20", len(g.all))
		}
		for i, s := range g.all {
			want := fmt.Sprintf("process=%s INFO %d with=true group=[i=%d took=1s err=EOF at=1970-01-01 00:00:01 +0000 UTC f=1.5]", p.Name, width, i)
			if width == 200_000 {
				want = fmt.Sprintf("process=%s INFO %d truncated=true", p.Name, 32<<10)
			}
			if s != want {
				t.Errorf("got  %s\nwant %s", s, want)
			}
		}
		g.mu.Unlock()
	}
}

// What a child was told is safe arrives, whenever it is killed; and what its children were told.
func TestNoLogIsLost(t *testing.T) {
	n := kills(8, 200)
	for range n {
		g := &gathered{}
		_, stop := CollectLogs(g)
		var out syncBuffer
		p := ships.Command(bg, ship{1, -1, 700})
		p.Stdout = &out
		launchedAs(t, p)
		time.Sleep(15*time.Millisecond + rand.N(20*time.Millisecond))
		p.Kill()
		joined(t, p)
		time.Sleep(20 * time.Millisecond) // its child has died too
		stop()
		safe := map[string]int{}
		for line := range strings.Lines(out.String()) {
			var name string
			var i int
			if k, _ := fmt.Sscan(line, &name, &i); k == 2 && strings.HasSuffix(line, "\n") {
				safe[name]++
			}
		}
		for name, k := range safe {
			for i := range k {
				want := fmt.Sprintf("process=%s INFO 700 with=true group=[i=%d ", name, i)
				found := 0
				for _, s := range g.all {
					if strings.HasPrefix(s, want) {
						found++
					}
				}
				if found != 1 {
					t.Errorf("%s: record %d of %d is there %d times", name, i, k, found)
				}
			}
		}
		if t.Failed() {
			return
		}
	}
}

func TestCollectLogsTwice(t *testing.T) {
	_, stop := CollectLogs(&gathered{})
	func() {
		defer func() {
			if r := fmt.Sprint(recover()); !strings.Contains(r, "called twice") {
				t.Error(r)
			}
		}()
		CollectLogs(&gathered{})
	}()
	stop()
	stop()
	_, stop = CollectLogs(&gathered{})
	stop()
}

// The collector believes nothing.
func TestAssembler(t *testing.T) {
	a := assembler{}
	for _, k := range []chunk{
		{Sender: 1, Size: 0}, {Sender: 1, Size: maxRecord + 1}, {Sender: 1, Size: 1000, At: 488}, {Sender: 1, Size: 10, At: 1 << 31},
		{Sender: 1, Size: 1000}, {Sender: 1, Number: 2, Size: 1000, At: 488},
		{Sender: 1, Size: 1000}, {Sender: 1, Size: 1001, At: 488}, {Sender: 1, Size: 1000}, {Sender: 1, Size: 1000, At: 600},
	} {
		if b := a.add(&k); b != nil {
			t.Errorf("%d bytes of nothing", len(b))
		}
	}
	for i := range 3 * maxSenders {
		a.add(&chunk{Sender: uint64(i + 1), Size: 1000})
	}
	if len(a) > maxSenders {
		t.Errorf("%d senders are remembered", len(a))
	}
	for at := 0; at < maxRecord; at += 488 {
		b := a.add(&chunk{Sender: 9, Size: maxRecord, At: uint32(at)})
		if last := at+488 >= maxRecord; (b != nil) != last || last && len(b) != maxRecord {
			t.Errorf("at %d: %d bytes", at, len(b))
		}
	}
	if _, _, err := decodeRecord([]byte("nonsense")); err == nil {
		t.Error("nonsense was decoded")
	}
}

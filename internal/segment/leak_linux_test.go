package segment

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/shmkit/shmkit/internal/proctest"
)

func TestLeak(t *testing.T) {
	before := Leaks()
	var b []byte
	func() {
		s, err := New(plain(8), Mem{})
		if err != nil {
			t.Fatal(err)
		}
		b = s.Payload()
	}()
	collect(t, func() bool { return Leaks() == before+1 })
	b[0] = 1 // the collector must not have unmapped what was handed out
	if len(Held()) != 1 {
		t.Fatalf("mapped: %v", Held())
	}
	dropAll(t)
}

// collect runs the collector until done. One run does not always do.
func collect(t *testing.T, done func() bool) {
	t.Helper()
	for range 100 {
		if runtime.GC(); done() {
			return
		}
		runtime.Gosched()
	}
	t.Error("the collector did not notice")
}

// dropAll closes what a test has leaked on purpose.
func dropAll(t *testing.T) {
	for {
		table.Lock()
		var m *mapping
		for _, m = range table.m {
		}
		table.Unlock()
		if m == nil {
			return
		}
		if err := m.release(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestUnmapWhenUnreachable(t *testing.T) {
	before := Leaks()
	func() {
		s, err := New(plain(8), Mem{})
		if err != nil {
			t.Fatal(err)
		}
		s.UnmapWhenUnreachable()
	}()
	collect(t, func() bool { return len(Held()) == 0 && Leaks() == before+1 })
	func() {
		s, err := New(plain(8), Mem{})
		if err != nil {
			t.Fatal(err)
		}
		s.UnmapWhenUnreachable()
		s.Close()
	}()
	for range 5 {
		runtime.GC()
	}
	if Leaks() != before+1 {
		t.Error("a closed handle counts as a leak")
	}
}

var _ = proctest.Register("leak aloud", func(args []string) int {
	before := Leaks()
	r, w, _ := os.Pipe()
	os.Stderr = w
	func() { New(plain(8), Mem{}) }()
	for Leaks() == before {
		runtime.GC()
	}
	runtime.GC()
	w.Close()
	b := make([]byte, 4096)
	n, _ := r.Read(b)
	proctest.Say(strings.TrimSpace(string(b[:n])))
	return 0
})

func TestLeakAloud(t *testing.T) {
	p := proctest.StartWith(t, proctest.Attr{Env: []string{"SHMKIT_LEAKS=1"}}, "leak aloud")
	if got := p.Recv(); !strings.Contains(got, "segment unnamed was dropped without Close") {
		t.Errorf("%q", got)
	}
	p = proctest.Start(t, "leak aloud")
	p.Expect("")
}

// What holds a claim must not pass to a child: neither the mapping by fork nor a descriptor by exec.
func TestNothingIsInherited(t *testing.T) {
	u, err := New(plain(8), Mem{})
	for _, s := range []*Segment{must(t, u, err), mustCreate(t, "inherit", plain(8))} {
		flags, err := unix.FcntlInt(uintptr(s.m.query), unix.F_GETFD, 0)
		if err != nil || flags&unix.FD_CLOEXEC == 0 {
			t.Errorf("the descriptor is inherited: %#x, %v", flags, err)
		}
		if f := vmFlags(t, s); !strings.Contains(f, " dc ") || !strings.Contains(f, " sh ") {
			t.Errorf("the mapping is inherited, or not shared: flags%s", f)
		}
	}
}

func vmFlags(t *testing.T, s *Segment) string {
	t.Helper()
	b, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Skip("no smaps in this kernel: ", err)
	}
	_, rest, _ := strings.Cut(string(b), fmt.Sprintf("\n%x-", addr(s)))
	_, rest, _ = strings.Cut(rest, "VmFlags:")
	flags, _, _ := strings.Cut(rest, "\n")
	return flags
}

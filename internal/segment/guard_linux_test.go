package segment

import (
	"errors"
	"os"
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/proctest"
)

func TestGuardTruncated(t *testing.T) {
	for _, to := range []int64{0, 100, abi.PageSize, 2 * abi.PageSize} { // mid header, no payload, mid payload
		s := mustCreate(t, "cut", plain(4*abi.PageSize))
		o, err := Open("cut", plain(0), Mem{})
		o = must(t, o, err)
		last := len(s.Payload()) - 1
		if err := s.Protect(func() { s.Payload()[last] = 1 }); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(s.path, to); err != nil {
			t.Fatal(err)
		}
		after := false
		err = s.Protect(func() { s.Payload()[last] = 2; after = true })
		wantErr(t, err, abi.ErrTruncated, `use "cut"`, "create it anew")
		if after {
			t.Error("it went on after the fault")
		}
		// The file may grow back, zeroed: the mapping stays poisoned, for all its handles.
		os.Truncate(s.path, 5*abi.PageSize)
		for _, h := range []*Segment{s, o} {
			wantErr(t, h.Protect(func() { t.Error("ran in a poisoned mapping") }), abi.ErrTruncated)
		}
		_, err = Open("cut", plain(0), Mem{})
		wantErr(t, err, abi.ErrTruncated)
		o.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		os.Remove(s.path)
	}
}

// A second handle on a mapping that has been cut is refused at Open, before anything faults.
func TestOpenCutMapping(t *testing.T) {
	s := mustCreate(t, "cut2", plain(8))
	os.Truncate(s.path, abi.PageSize)
	_, err := Open("cut2", plain(0), Mem{})
	wantErr(t, err, abi.ErrTruncated, "4096 bytes of 8192")
	if s.m.refs != 1 {
		t.Errorf("%d handles counted", s.m.refs)
	}
}

func TestGuardPassesTheRest(t *testing.T) {
	s := mustCreate(t, "rest", plain(8))
	other := mustCreate(t, "other", plain(8))
	os.Truncate(other.path, 0)
	bug := errors.New("a bug of f")
	for what, f := range map[string]func(){
		"a panic":          func() { panic(bug) },
		"a nil pointer":    func() { *(*int)(nil) = 1 },
		"another mapping":  func() { other.Payload()[0] = 1 },
		"an index too far": func() { _ = s.Payload()[len(s.Payload()):][len(what0)] },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s was swallowed", what)
				}
			}()
			err := s.Protect(f)
			t.Errorf("%s: Protect returned %v", what, err)
		}()
	}
	if s.m.poisoned.Load() {
		t.Error("somebody else's fault has poisoned the mapping")
	}
	done := make(chan bool)
	go func() {
		defer close(done)
		s.Protect(func() { runtime.Goexit() })
		t.Error("Goexit was swallowed")
	}()
	<-done
	for _, was := range []bool{false, true} { // what the goroutine had set is set again
		old := debug.SetPanicOnFault(was)
		s.Protect(func() {})
		if debug.SetPanicOnFault(old) != was {
			t.Error("the guard stayed armed, or disarmed the caller's")
		}
	}
}

var (
	what0 = "x"
	sink  byte
)

func TestGuardSealed(t *testing.T) {
	s, err := New(plain(8), Mem{Guard: true})
	s = must(t, s, err)
	ran := false
	if err := s.Protect(func() { ran = true; s.Payload()[0] = 1 }); err != nil || !ran {
		t.Errorf("ran %t, %v", ran, err)
	}
}

var _ = proctest.Register("fault without guard", func([]string) int {
	s, err := Create("bare", plain(8), Mem{})
	if err != nil {
		return 1
	}
	os.Truncate(s.path, 0)
	s.Payload()[0] = 1
	return 0
})

// The guard is what saves the process: without it the same access ends it.
func TestWithoutGuard(t *testing.T) {
	p := proctest.Start(t, "fault without guard")
	defer os.Remove(path(t, "bare"))
	if code := p.Wait(); code != 2 {
		t.Errorf("exit code %d: the access did not fault", code)
	}
}

func BenchmarkProtect(b *testing.B) {
	s := mustCreate(b, "protect", plain(8))
	p := s.Payload()
	for b.Loop() {
		s.Protect(func() { p[0]++ })
	}
}

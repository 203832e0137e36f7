package segment

import (
	"os"
	"sync"
	"syscall"
	"testing"

	"github.com/shmkit/shmkit/internal/owner"
)

func TestOneMapping(t *testing.T) {
	first := mustCreate(t, "one", plain(8))
	before := fds(t)
	var all []*Segment
	for i := range 1000 {
		s, err := Open("one", plain(0), Mem{})
		if i%2 == 1 {
			text, terr := first.Text()
			if terr != nil {
				t.Fatal(terr)
			}
			s.Close()
			s, err = FromText(text, plain(0))
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
		if &s.Payload()[0] != &first.Payload()[0] {
			t.Fatal("a second mapping")
		}
	}
	if now := fds(t); now != before {
		t.Errorf("1000 handles took %d descriptors", now-before)
	}
	first.Close()
	for _, s := range all {
		s.Payload()[0]++ // a fault, if the first Close unmapped
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if now := fds(t); now != before-1 {
		t.Errorf("a segment took %d descriptors, want 1", before-now)
	}
	if h := Held(); len(h) != 0 {
		t.Errorf("still mapped: %v", h)
	}
}

func TestOpenCloseRace(t *testing.T) {
	s := mustCreate(t, "ocr", plain(8))
	s.Close()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				s, err := Open("ocr", plain(0), Mem{})
				if err != nil {
					t.Error(err)
					return
				}
				s.Payload()[0] = 1
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if h := Held(); len(h) != 0 {
		t.Errorf("still mapped: %v", h)
	}
}

// children that are being forked must not keep a claim alive: else the next Open would find its own
// byte taken.
func TestForkRace(t *testing.T) {
	s := mustCreate(t, "fork", plain(8))
	s.Close()
	stop := make(chan bool)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				if p, err := os.StartProcess("/bin/true", []string{"true"}, &os.ProcAttr{}); err == nil {
					p.Wait()
				}
			}
		}
	})
	for range 2000 {
		s, err := Open("fork", plain(0), Mem{})
		if err != nil {
			t.Error(err)
			break
		}
		s.Close()
	}
	close(stop)
	wg.Wait()
}

func TestWaitersHoldTheMapping(t *testing.T) {
	s, err := New(plain(8), Mem{})
	s = must(t, s, err)
	r, mem := region(s), s.m.mem
	if r == nil {
		t.Fatal("the segment is not in the table of regions")
	}
	r.Enter()
	wantErr(t, s.Close(), syscall.EBUSY, "1 goroutines", "contexts")
	if s.Closed() || s.Payload() == nil {
		t.Error("a Close that failed has closed")
	}
	s.Payload()[0] = 1
	r.Leave()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if owner.Find(start(mem)) != nil {
		t.Error("the region outlived the mapping")
	}
}

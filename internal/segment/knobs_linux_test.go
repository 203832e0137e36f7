package segment

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/shmkit/shmkit/internal/proctest"
)

var _ = proctest.Register("lock limit", func([]string) int {
	unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{Cur: 4096, Max: 4096})
	_, err := New(plain(1<<20), Mem{Locked: true})
	proctest.Say(fmt.Sprint(err))
	proctest.Say(fmt.Sprint(Held()))
	return 0
})

func TestLocked(t *testing.T) {
	s, err := New(plain(8), Mem{Locked: true})
	if err != nil {
		wantErr(t, err, syscall.ENOMEM, "RLIMIT_MEMLOCK")
	} else {
		s.Close()
	}
	p := proctest.StartWith(t, asStranger(t), "lock limit") // root has no limit
	if got := p.Recv(); !strings.Contains(got, "RLIMIT_MEMLOCK is 4 KiB") || !strings.Contains(got, "1 MiB") {
		t.Error(got)
	}
	p.Expect("[]")
}

func TestKnobs(t *testing.T) {
	for _, mem := range []Mem{{Populate: true}, {HugePages: true}, {HugePages: true, Populate: true, Guard: true}} {
		s, err := New(plain(4<<20), mem)
		s = must(t, s, err)
		s.Payload()[4<<20-1] = 1
		if s.Guarded() {
			t.Error("a sealed segment is guarded")
		}
		s, err = Create("knobs", plain(4<<20), mem)
		s = must(t, s, err)
		o, err := Open("knobs", plain(0), mem)
		o = must(t, o, err)
		if s.Guarded() != mem.Guard || o.Guarded() != mem.Guard {
			t.Errorf("guarded: %t, %t", s.Guarded(), o.Guarded())
		}
		o.Close()
		s.Unlink()
		s.Close()
	}
}

// In a populated mapping no page is missing; the kernel says which are there.
func TestPopulate(t *testing.T) {
	for _, populate := range []bool{false, true} {
		s, err := New(plain(1<<20), Mem{Populate: populate})
		s = must(t, s, err)
		rss := rssOf(t, s)
		if populate != (rss > 1<<20) {
			t.Errorf("populate %t: %d bytes mapped", populate, rss)
		}
		s.Close()
	}
}

// rssOf reads what of the segment this process has in its page tables.
func rssOf(t *testing.T, s *Segment) int {
	t.Helper()
	b, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Skip("no smaps in this kernel: ", err)
	}
	_, b2, ok := strings.Cut(string(b), fmt.Sprintf("%x-", addr(s)))
	if !ok {
		t.Fatal("the segment is not in smaps")
	}
	_, b2, _ = strings.Cut(b2, "\nRss:")
	kb := 0
	fmt.Sscan(b2, &kb)
	return kb << 10
}

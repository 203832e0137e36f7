package segment

import (
	"bytes"
	"errors"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/shmkit/shmkit/internal/abi"
)

// The tail of an unnamed and of a named segment: what is written is read, takes memory, and gives it back; beyond it nothing is there.
func TestTail(t *testing.T) {
	spec := plain(5000)
	spec.Tail = func([4]uint64) int64 { return 1 << 40 }
	for _, open := range []func() (*Segment, error){
		func() (*Segment, error) { return New(spec, Mem{}) },
		func() (*Segment, error) { return Create("tail", spec, Mem{}) },
	} {
		s, err := open()
		if err != nil {
			t.Fatal(err)
		}
		before := s.Used()
		want := bytes.Repeat([]byte("tail"), 3000)
		if err := s.WriteTail(want, 1<<39); err != nil {
			t.Fatal(err)
		}
		if s.Used() <= before {
			t.Errorf("%d bytes in use behind a write, %d before", s.Used(), before)
		}
		got := make([]byte, len(want))
		if err := s.ReadTail(got, 1<<39); err != nil || !bytes.Equal(got, want) {
			t.Error(err)
		}
		s.PunchTail(1<<39, 1<<20)
		if err := s.ReadTail(got, 1<<39); err != nil || !bytes.Equal(got, make([]byte, len(want))) || s.Used() != before {
			t.Errorf("%v, %d bytes in use", err, s.Used())
		}
		if err := s.ReadTail(got, 1<<40-1); !errors.Is(err, abi.ErrTruncated) {
			t.Errorf("beyond the tail: %v", err)
		}
		_ = s.Unlink()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := s.WriteTail(want, 0); err == nil {
			t.Error("a write through a closed handle")
		}
	}
}

// A full file system is an error of the write, and of nothing else.
func TestTailNoSpace(t *testing.T) {
	mem := smallTmpfs(t, "size=1m")
	spec := plain(5000)
	spec.Tail = func([4]uint64) int64 { return 1 << 40 }
	s, err := Create("tail", spec, mem)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	defer s.Unlink()
	wantErr(t, s.WriteTail(make([]byte, 2<<20), 0), unix.ENOSPC, "2 MiB")
	s.PunchTail(0, 2<<20)
	if err := s.WriteTail(make([]byte, 500<<10), 0); err != nil {
		t.Error(err)
	}
}

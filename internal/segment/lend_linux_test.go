package segment

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"
)

// A duplicate of the description that holds the claim keeps this process alive behind the last Close.
func TestLend(t *testing.T) {
	spec := plain(8)
	lent := -1
	spec.Lend = func(fd int) (err error) {
		lent, err = unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
		return err
	}
	for _, open := range []func(string, Spec, Mem) (*Segment, error){Create, Open, OpenOrCreate} {
		s, err := open("lent", spec, Mem{})
		if err != nil {
			t.Fatal(err)
		}
		again, err := Open("lent", plain(0), Mem{})
		if err != nil {
			t.Fatal(err)
		}
		v, err := Inspect("lent", Mem{})
		if err != nil {
			t.Fatal(err)
		}
		s.Close()
		again.Close()
		if ids, err := v.Living(); err != nil || len(ids) != 1 {
			t.Errorf("with the duplicate open, alive are %v, %v", ids, err)
		}
		unix.Close(lent)
		if ids, err := v.Living(); err != nil || len(ids) != 0 {
			t.Errorf("with the duplicate closed, alive are %v, %v", ids, err)
		}
		v.Close()
	}
	if err := Unlink("lent", Mem{}); err != nil {
		t.Fatal(err)
	}
	no := errors.New("no")
	spec.Lend = func(int) error { return no }
	before := fds(t)
	_, err := Create("lent", spec, Mem{})
	wantErr(t, err, no)
	if now := fds(t); now != before {
		t.Errorf("a Lend that fails leaves %d descriptors", now-before)
	}
}

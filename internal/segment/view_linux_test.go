package segment

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/shmkit/shmkit/internal/abi"
)

func TestView(t *testing.T) {
	s := mustCreate(t, "view", typed(abi.Type{Format: "<q", Size: 8, Align: 8}))
	putWord(s.Payload(), 42)
	v, err := Inspect("view", Mem{})
	if err != nil {
		t.Fatal(err)
	}
	if v.Header().Kind != abi.KindVar || v.Format() != "<q" || v.Header().ID != s.m.header.ID {
		t.Errorf("header %+v, format %q", v.Header(), v.Format())
	}
	if err := v.Read(func(p []byte) {
		if len(p) != 8 || word(p) != 42 {
			t.Errorf("payload %v", p)
		}
	}); err != nil {
		t.Error(err)
	}
	if ids, err := v.Living(); err != nil || len(ids) != 1 {
		t.Errorf("alive: %v, %v", ids, err)
	}
	s.Close()
	if ids, err := v.Living(); err != nil || len(ids) != 0 {
		t.Errorf("the view itself counts as alive: %v, %v", ids, err)
	}
	os.Truncate(s.path, abi.PageSize)
	wantErr(t, v.Read(func(p []byte) { sink = p[0] }), abi.ErrTruncated, "view")
	if err := v.Close(); err != nil {
		t.Error(err)
	}
	_, err = v.Living()
	for _, err := range []error{err, v.Close(), v.Read(nil)} {
		wantErr(t, err, os.ErrClosed)
	}
	_, err = Inspect("view", Mem{})
	wantErr(t, err, abi.ErrTruncated)
}

// Who writes through a view faults: it is mapped for reading.
func TestViewIsReadOnly(t *testing.T) {
	mustCreate(t, "ro", plain(8))
	v, err := Inspect("ro", Mem{})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	wantErr(t, v.Read(func(p []byte) { p[0] = 1 }), abi.ErrTruncated)
}

func TestList(t *testing.T) {
	dir := directory(t)
	b := mustCreate(t, "b", plain(8))
	a := mustCreate(t, "a", typed(abi.Type{Format: "<q", Size: 8, Align: 8}))
	bad := mustCreate(t, "c", plain(8))
	a.Close()
	bad.Close()
	os.Truncate(bad.path, abi.PageSize)
	os.WriteFile(dir+"/psm_python", make([]byte, 5000), 0o600)
	os.WriteFile(dir+"/short", []byte("SH"), 0o600)
	os.Symlink(b.path, dir+"/d")
	os.Mkdir(dir+"/e", 0o700)
	if err := unix.Mkfifo(dir+"/f", 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"psm_python", "short", "d", "e", "f"} {
		defer os.Remove(dir + "/" + name)
	}
	got, err := List(Mem{})
	if err != nil || len(got) != 3 {
		t.Fatalf("%+v, %v", got, err)
	}
	if e := got[0]; e.Name != "a" || e.Header.Kind != abi.KindVar || e.Format != "<q" || e.InUse || e.Err != nil {
		t.Errorf("%+v", e)
	}
	if e := got[1]; e.Name != "b" || !e.InUse || e.Header.Size != 8 {
		t.Errorf("%+v", e)
	}
	if e := got[2]; e.Name != "c" || !errors.Is(e.Err, abi.ErrTruncated) {
		t.Errorf("%+v", e)
	}
	_, err = List(Mem{Dir: dir + "/none"})
	wantErr(t, err, os.ErrNotExist, "none")
}

package segment

import (
	"os"
	"testing"

	"github.com/shmkit/shmkit/internal/abi"
)

func TestRaw(t *testing.T) {
	p := path(t, "psm_1234")
	defer os.Remove(p)
	os.WriteFile(p, []byte("0123456789"), 0o600)
	s, err := OpenRaw(p)
	s = must(t, s, err)
	if string(s.Payload()) != "0123456789" || s.Name() != "psm_1234" {
		t.Errorf("%q, name %q", s.Payload(), s.Name())
	}
	s.Payload()[0] = 'x'
	if b, _ := os.ReadFile(p); string(b) != "x123456789" {
		t.Errorf("the file has %q", b)
	}
	o, err := OpenRaw(p)
	if o = must(t, o, err); o.m != s.m {
		t.Error("a second mapping")
	}
	if in, err := inUse(s.m.query); err != nil || !in {
		t.Errorf("not claimed: %v", err)
	}
	_, err = s.Text()
	wantErr(t, err, os.ErrInvalid, "path")
	_, err = Open("psm_1234", plain(0), Mem{})
	wantErr(t, err, abi.ErrForeign)
	os.Truncate(p, 3)
	_, err = OpenRaw(p)
	wantErr(t, err, abi.ErrTruncated)
	o.Close()
	s.Close()

	for file, want := range map[string]error{"/dev/null": abi.ErrForeign, directory(t): abi.ErrForeign, path(t, "none"): os.ErrNotExist} {
		_, err := OpenRaw(file)
		wantErr(t, err, want, file)
	}
	os.WriteFile(p, nil, 0o600)
	_, err = OpenRaw(p)
	wantErr(t, err, abi.ErrForeign, "0 bytes")
	ours := mustCreate(t, "ours", plain(8))
	for range 2 { // mapped, and not
		_, err = OpenRaw(ours.path)
		wantErr(t, err, abi.ErrForeign, "header")
		ours.Close()
	}
}

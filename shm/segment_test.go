package shm_test

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shmkit/shmkit/shm"
)

func TestSegment(t *testing.T) {
	s, err := shm.NewSegment(5000)
	keep(t, s, err)
	if len(s.Bytes()) != 5000 || cap(s.Bytes()) != 5000 {
		t.Errorf("%d bytes of %d", len(s.Bytes()), cap(s.Bytes()))
	}
	n, err := shm.OpenOrCreateSegment("seg", 100)
	keep(t, n, err)
	n.Bytes()[99] = 1
	for _, open := range []func() (*shm.Segment, error){
		func() (*shm.Segment, error) { return shm.OpenSegment("seg") },
		func() (*shm.Segment, error) { return shm.OpenOrCreateSegment("seg", 100) },
		func() (*shm.Segment, error) { return shm.SegmentConfig{Size: 100}.Open("seg") },
		func() (*shm.Segment, error) { return shm.SegmentConfig{}.OpenOrCreate("seg") },
	} {
		o, err := open()
		keep(t, o, err)
		if len(o.Bytes()) != 100 || o.Bytes()[99] != 1 {
			t.Errorf("%v", o.Bytes())
		}
	}
	_, err = shm.OpenOrCreateSegment("seg", 101)
	var m *shm.MismatchError
	if !errors.As(err, &m) || *m != (shm.MismatchError{Name: "seg", What: "size", Have: "100", Want: "101"}) {
		t.Errorf("got %v", err)
	}
	_, err = shm.SegmentConfig{Size: 100}.Create("seg")
	wantErr(t, err, fs.ErrExist)
	for _, size := range []int{0, -1, math.MinInt, math.MaxInt} {
		_, err := shm.NewSegment(size)
		wantErr(t, err, fs.ErrInvalid)
	}
	i, err := shm.SegmentConfig{Size: 8, Init: func(b []byte) { copy(b, "ready") }}.New()
	keep(t, i, err)
	if string(i.Bytes()) != "ready\x00\x00\x00" {
		t.Errorf("%q", i.Bytes())
	}
}

func TestSlice(t *testing.T) {
	s, err := shm.NewSegment(100)
	keep(t, s, err)
	all, err := shm.Slice[atomic.Int64](s, 8, 11)
	if err != nil || len(all) != 11 || cap(all) != 11 {
		t.Fatalf("%d of %d, %v", len(all), cap(all), err)
	}
	all[10].Store(-1)
	if s.Bytes()[95] != 0xff || s.Bytes()[96] != 0 {
		t.Error("the slice lies elsewhere")
	}
	if none, err := shm.Slice[int64](s, 96, 0); err != nil || none == nil || len(none) != 0 {
		t.Errorf("%v, %v", none, err)
	}
	for _, c := range []struct{ off, n int }{
		{-1, 1}, {-8, 1}, {0, -1}, {0, 13}, {8, 12}, {96, 1}, {104, 0}, {math.MaxInt - 7, 1}, {0, math.MaxInt}, {8, math.MaxInt / 8}, {math.MinInt, 1}, {0, math.MinInt},
		{4, 1}, {1, 1},
	} {
		if _, err := shm.Slice[int64](s, c.off, c.n); !errors.Is(err, fs.ErrInvalid) || !strings.Contains(err.Error(), "slice of") {
			t.Errorf("%d at %d: %v", c.n, c.off, err)
		}
	}
	if _, err := shm.Slice[string](s, 0, 1); err == nil {
		t.Error("a slice of strings")
	}
}

func TestOpenRaw(t *testing.T) {
	path := filepath.Join(os.Getenv("SHMKIT_DIR"), "psm_0815")
	if err := os.WriteFile(path, make([]byte, 64), 0o600); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(path)
	s, err := shm.OpenRaw(path)
	keep(t, s, err)
	w, err := shm.Slice[uint64](s, 56, 1)
	if err != nil {
		t.Fatal(err)
	}
	w[0] = math.MaxUint64
	if b, err := os.ReadFile(path); err != nil || b[63] != 0xff || b[55] != 0 || len(b) != 64 {
		t.Errorf("%v, %v", b, err)
	}
	_, err = s.MarshalText()
	wantErr(t, err, fs.ErrInvalid, "send its path")
	_, err = shm.OpenRaw(path + "x")
	wantErr(t, err, fs.ErrNotExist)
}

func TestList(t *testing.T) {
	v, err := shm.OpenOrCreate[[2]float64]("b.var")
	keep(t, v, err)
	s, err := shm.OpenOrCreateSegment("a.seg", 10)
	keep(t, s, err)
	c, err := shm.OpenOrCreateSegment("c.cut", 10)
	keep(t, c, err)
	dir := os.Getenv("SHMKIT_DIR")
	os.Truncate(filepath.Join(dir, "c.cut"), 4096)
	os.WriteFile(filepath.Join(dir, "foreign"), []byte("hello"), 0o600)
	defer os.Remove(filepath.Join(dir, "foreign"))
	got, err := shm.List()
	want := []shm.Info{{"a.seg", "segment", "", 10}, {"b.var", "var", "<(2)d", 16}, {Name: "c.cut", Kind: "unusable"}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	wantErr(t, shm.Unlink("foreign"), shm.ErrForeign)
	if err := shm.Unlink("a.seg"); err != nil {
		t.Error(err)
	}
	s.Bytes()[0] = 1 // users keep it
	_, err = shm.OpenSegment("a.seg")
	wantErr(t, err, fs.ErrNotExist)
	if err := shm.Unlink("c.cut"); err != nil {
		t.Errorf("what is unusable must go too: %v", err)
	}
}

func TestMemDir(t *testing.T) {
	dir := filepath.Join(os.Getenv("SHMKIT_DIR"), "sub")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(dir) })
	v, err := shm.Config[int64]{Mem: shm.Mem{Dir: dir}}.OpenOrCreate("x")
	keep(t, v, err)
	if _, err := os.Stat(filepath.Join(dir, "x")); err != nil {
		t.Error(err)
	}
	text, err := v.MarshalText()
	if err != nil || !strings.HasPrefix(string(text), dir+"/x#") {
		t.Errorf("%s, %v", text, err)
	}
	var w shm.Var[int64] // the text knows the directory
	keep(t, &w, w.UnmarshalText(text))
}

// Open and Close together stay below 100 µs. The fastest of many runs is taken: the machine is shared.
func TestOpenCloseTime(t *testing.T) {
	v, err := shm.OpenOrCreate[stats]("time")
	keep(t, v, err)
	text, err := v.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	v.Close()
	defer shm.Unlink("time")
	best := time.Hour
	for range 200 {
		start := time.Now()
		var w shm.Var[stats]
		if err := w.UnmarshalText(text); err != nil {
			t.Fatal(err)
		}
		w.Close()
		best = min(best, time.Since(start))
	}
	if best > 100*time.Microsecond {
		t.Errorf("open and close take %v", best)
	}
}

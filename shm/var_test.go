package shm_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/shm"
)

type stats struct {
	Hits atomic.Int64
	Size [4]uint32
	On   bool
}

func TestVar(t *testing.T) {
	v, err := shm.New[stats]()
	keep(t, v, err)
	p := v.Ptr()
	if p.Hits.Load() != 0 || p.Size != [4]uint32{} || p.On || v.Name() != "" {
		t.Errorf("not zeroed: %v %v %v, name %q", p.Hits.Load(), p.Size, p.On, v.Name())
	}
	n, err := shm.OpenOrCreate[stats]("stats")
	keep(t, n, err)
	n.Ptr().Size[3] = 7
	for _, open := range []func(string) (*shm.Var[stats], error){shm.Open[stats], shm.OpenOrCreate[stats], shm.Config[stats]{}.Open, shm.Config[stats]{}.OpenOrCreate} {
		o, err := open("stats")
		keep(t, o, err)
		if o.Ptr().Size[3] != 7 || o.Name() != "stats" {
			t.Errorf("%v, name %q", o.Ptr().Size, o.Name())
		}
		if err := o.Close(); err != nil {
			t.Error(err)
		}
		if o.Ptr() != nil {
			t.Error("a pointer from a closed handle")
		}
		wantErr(t, o.Close(), os.ErrClosed)
	}
	_, err = shm.Config[stats]{}.Create("stats")
	wantErr(t, err, fs.ErrExist)
	_, err = shm.Open[stats]("none")
	wantErr(t, err, fs.ErrNotExist)
	_, err = shm.Open[stats]("a/b")
	wantErr(t, err, fs.ErrInvalid)
}

func TestVarInit(t *testing.T) {
	runs := 0
	c := shm.Config[stats]{Init: func(s *stats) { runs++; s.Size[0] = 5 }, Mem: shm.Mem{Perm: 0o660, Populate: true}}
	for _, make := range []func() (*shm.Var[stats], error){
		c.New, func() (*shm.Var[stats], error) { return c.Create("i1") },
		func() (*shm.Var[stats], error) { return c.OpenOrCreate("i2") },
	} {
		v, err := make()
		keep(t, v, err)
		if v.Ptr().Size[0] != 5 {
			t.Error("init did not run")
		}
	}
	v, err := c.OpenOrCreate("i2")
	keep(t, v, err)
	if runs != 3 {
		t.Errorf("init ran %d times for three objects", runs)
	}
	st, err := os.Stat(os.Getenv("SHMKIT_DIR") + "/i2")
	if err != nil || st.Mode() != 0o660 {
		t.Errorf("mode %v, %v", st.Mode(), err)
	}
}

func TestVarTypes(t *testing.T) {
	type other struct {
		Hits atomic.Int64
		Size [4]uint32
		Off  bool
	}
	v, err := shm.OpenOrCreate[stats]("types")
	keep(t, v, err)
	_, err = shm.Open[other]("types")
	var m *shm.MismatchError
	if !errors.As(err, &m) || m.Name != "types" || m.What != "field Off" || m.Have != "On bool at byte 24" || m.Want != "Off bool at byte 24" {
		t.Errorf("got %#v, %v", m, err)
	}
	_, err = shm.OpenSegment("types")
	if !errors.As(err, &m) || m.What != "kind" {
		t.Errorf("got %v", err)
	}
	for _, err := range []error{
		fails(shm.New[struct{ Name string }]), fails(shm.New[struct{ Mu sync.Mutex }]), fails(shm.New[*int]), fails(shm.New[struct{}]),
		fails(func() (*shm.Var[[]byte], error) { return shm.Open[[]byte]("types") }),
		new(shm.Var[string]).UnmarshalText([]byte("/x#0123456789abcdef0123456789abcdef")),
	} {
		if err == nil || !strings.HasPrefix(err.Error(), "shm: ") {
			t.Errorf("got %v", err)
		}
	}
}

func fails[T any](f func() (*shm.Var[T], error)) error {
	v, err := f()
	if err == nil {
		v.Close()
	}
	return err
}

func TestZeroHandles(t *testing.T) {
	for _, h := range []handle{&shm.Var[stats]{}, &shm.Segment{}} {
		_, err := h.MarshalText()
		for _, err := range []error{err, h.Close(), h.Unlink()} {
			wantErr(t, err, os.ErrClosed)
		}
		if err := h.UnmarshalText([]byte("nonsense")); !errors.Is(err, fs.ErrInvalid) {
			t.Error(err)
		}
		if h.Name() != "" || !errors.Is(h.Close(), os.ErrClosed) {
			t.Error("a handle that failed is in use")
		}
	}
	if new(shm.Var[stats]).Ptr() != nil || new(shm.Segment).Bytes() != nil {
		t.Error("memory of a zero handle")
	}
	if _, err := shm.Slice[int64](new(shm.Segment), 0, 1); !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
}

type message struct {
	Stats *shm.Var[stats]
	Bytes *shm.Segment
}

// A handle inside a value survives the codecs that know TextMarshaler.
func TestHandleInJSON(t *testing.T) {
	v, err := shm.New[stats]()
	keep(t, v, err)
	s, err := shm.OpenOrCreateSegment("in.json", 100)
	keep(t, s, err)
	b, err := json.Marshal(message{v, s})
	if err != nil {
		t.Fatal(err)
	}
	var got message
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	keep(t, got.Stats, nil)
	keep(t, got.Bytes, nil)
	if got.Stats.Ptr() != v.Ptr() || &got.Bytes.Bytes()[0] != &s.Bytes()[0] || got.Bytes.Name() != "in.json" {
		t.Errorf("%s opened something else", b)
	}
	// A handle in use is not overwritten: its mapping would be lost.
	err = json.Unmarshal(b, &got)
	wantErr(t, err, fs.ErrInvalid, "close it first")
	// Text of one kind does not open as another.
	text, err := v.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	var m *shm.MismatchError
	if err := new(shm.Segment).UnmarshalText(text); !errors.As(err, &m) || m.What != "kind" {
		t.Error(err)
	}
	if err := new(shm.Var[int64]).UnmarshalText(text); !errors.As(err, &m) || m.What != "T" {
		t.Error(err)
	}
}

var _ = proctest.Register("count", func(args []string) int {
	var m message
	if err := json.Unmarshal([]byte(args[0]), &m); err != nil {
		proctest.Say(err.Error())
		return 1
	}
	for range 1000 {
		m.Stats.Ptr().Hits.Add(1)
	}
	copy(m.Bytes.Bytes(), "hello")
	proctest.Say("done")
	return 0
})

func TestProcesses(t *testing.T) {
	v, err := shm.New[stats]()
	keep(t, v, err)
	s, err := shm.NewSegment(5)
	keep(t, s, err)
	b, err := json.Marshal(message{v, s})
	if err != nil {
		t.Fatal(err)
	}
	a, c := proctest.Start(t, "count", string(b)), proctest.Start(t, "count", string(b))
	a.Expect("done")
	c.Expect("done")
	if n := v.Ptr().Hits.Load(); n != 2000 || string(s.Bytes()) != "hello" {
		t.Errorf("%d hits, %q", n, s.Bytes())
	}
}

// Init of the loser is thrown away: all see the winner's, once.
func TestInitRace(t *testing.T) {
	var runs atomic.Int64
	c := shm.Config[[2]int64]{Init: func(p *[2]int64) { n := runs.Add(1); p[0], p[1] = n, -n }}
	var wg sync.WaitGroup
	got := make([]*shm.Var[[2]int64], 16)
	for i := range got {
		wg.Go(func() {
			v, err := c.OpenOrCreate("init.race")
			if err != nil {
				t.Error(err)
				return
			}
			got[i] = v
		})
	}
	wg.Wait()
	for _, v := range got {
		keep(t, v, nil)
		if v.Ptr() != got[0].Ptr() || v.Ptr()[0] != -v.Ptr()[1] || v.Ptr()[0] == 0 {
			t.Errorf("sees %v", *v.Ptr())
		}
	}
}

func BenchmarkOpenClose(b *testing.B) {
	v, err := shm.OpenOrCreate[stats]("bench")
	if err != nil {
		b.Fatal(err)
	}
	v.Close()
	defer shm.Unlink("bench")
	for b.Loop() {
		v, err := shm.Open[stats]("bench")
		if err != nil {
			b.Fatal(err)
		}
		v.Close()
	}
}

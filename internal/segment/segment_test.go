package segment

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/shmkit/shmkit/internal/abi"
)

func TestNew(t *testing.T) {
	s, err := New(plain(5000), Mem{})
	s = must(t, s, err)
	if s.Name() != "" || len(s.Payload()) != 5000 || cap(s.Payload()) != 5000 || s.Shape()[0] != 5000 || s.Closed() {
		t.Errorf("name %q, %d bytes of %d, shape %v, closed %t", s.Name(), len(s.Payload()), cap(s.Payload()), s.Shape(), s.Closed())
	}
	for i, b := range s.Payload() {
		if b != 0 {
			t.Fatalf("byte %d is %d", i, b)
		}
	}
	s.Payload()[4999] = 1
	wantErr(t, s.Unlink(), fs.ErrNotExist, "no name")
}

func TestCreateOpen(t *testing.T) {
	s := mustCreate(t, "a", plain(8))
	putWord(s.Payload(), 42)
	o, err := Open("a", plain(0), Mem{})
	o = must(t, o, err)
	if o.Name() != "a" || word(o.Payload()) != 42 || o.Shape()[0] != 8 {
		t.Errorf("name %q, %v, shape %v", o.Name(), o.Payload(), o.Shape())
	}
	_, err = Create("a", plain(8), Mem{})
	wantErr(t, err, fs.ErrExist, `create "a"`, "unlink")
	_, err = Open("b", plain(0), Mem{})
	wantErr(t, err, fs.ErrNotExist, `open "b"`, "create it first")
	_, err = Open("a", plain(0), Mem{Dir: filepath.Join(directory(t), "none")})
	wantErr(t, err, fs.ErrNotExist)
	_, err = OpenOrCreate("a", plain(8), Mem{Dir: filepath.Join(directory(t), "none")})
	wantErr(t, err, fs.ErrNotExist, "none")
}

func TestOpenOrCreate(t *testing.T) {
	runs := 0
	spec := plain(8)
	spec.Init = func(b []byte) error { runs++; b[0] = byte(runs); return nil }
	for range 3 {
		s, err := OpenOrCreate("oc", spec, Mem{})
		s = must(t, s, err)
		if s.Payload()[0] != 1 {
			t.Errorf("init ran %d times", s.Payload()[0])
		}
		s.Close()
		if got, err := os.ReadFile(path(t, "oc")); err != nil || got[abi.PageSize] != 1 {
			t.Errorf("the data did not outlive the last handle: %v", err)
		}
		defer os.Remove(path(t, "oc"))
	}
	_, err := OpenOrCreate("oc", plain(9), Mem{})
	wantMismatch(t, err, "size", "8", "9")
}

// The file of an object is laid out as docs/layout.md says, so that others find the data.
func TestLayout(t *testing.T) {
	s := mustCreate(t, "layout", plain(10))
	copy(s.Payload(), "0123456789")
	b, err := os.ReadFile(path(t, "layout"))
	if err != nil || len(b) != 2*abi.PageSize || string(b[abi.PageSize:][:11]) != "0123456789\x00" || string(b[:8]) != abi.Magic {
		t.Errorf("%d bytes: %q, %v", len(b), b[:16], err)
	}
	long := abi.Type{Format: "<T{" + strings.Repeat("B:"+strings.Repeat("n", 10)+":", 2000) + "}", Size: 2000, Align: 1}
	l := mustCreate(t, "long", typed(long))
	o, err := Open("long", typed(long), Mem{})
	o = must(t, o, err)
	if o.m != l.m || len(o.Payload()) != 2000 {
		t.Errorf("%d bytes", len(o.Payload()))
	}
	o.Close()
	l.Close() // now the header comes from the file
	o, err = Open("long", typed(long), Mem{})
	if must(t, o, err).m.header.Offset != 28<<10 {
		t.Errorf("payload at %d", o.m.header.Offset)
	}
}

func TestMismatch(t *testing.T) {
	type v1 struct{ Hits, Miss int64 }
	type v2 struct {
		Hits int64
		Miss int32
	}
	old, err1 := abi.Shareable(reflect.TypeFor[v1]())
	young, err2 := abi.Shareable(reflect.TypeFor[v2]())
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	spec := typed(old)
	spec.Codec, spec.Shape, spec.ShapeNames = "cbor", [4]uint64{1, 2, 3, 4}, [4]string{"capacity"}
	s := mustCreate(t, "mm", spec)
	change := func(f func(*Spec)) Spec {
		c := spec
		f(&c)
		return c
	}
	for range 2 { // by the private copy of the mapping, then by the file's header
		for what, c := range map[string]struct {
			spec       Spec
			have, want string
		}{
			"kind":       {change(func(s *Spec) { s.Kind = abi.KindArray }), "var", "array"},
			"codec":      {change(func(s *Spec) { s.Codec = "" }), `"cbor"`, `""`},
			"field Miss": {change(func(s *Spec) { s.Type = young }), "int64 at byte 8", "int32 at byte 8"},
			"T":          {change(func(s *Spec) { s.Type = abi.Type{} }), `"` + old.Format + `"`, "no type"},
			"capacity":   {change(func(s *Spec) { s.Shape[0] = 7 }), "1", "7"},
			"shape[3]":   {change(func(s *Spec) { s.Shape[3] = 7 }), "4", "7"},
		} {
			_, err := Open("mm", c.spec, Mem{})
			wantMismatch(t, err, what, c.have, c.want)
			if m := (*abi.MismatchError)(nil); errors.As(err, &m) && m.Name != "mm" {
				t.Errorf("the error is about %q", m.Name)
			}
		}
		_, err := Open("mm", change(func(s *Spec) { s.Size = func([4]uint64) int64 { return 24 } }), Mem{})
		wantErr(t, err, abi.ErrCorrupt, "its shape means 24")
		_, err = Open("mm", change(func(s *Spec) { s.Type.Align = 4 }), Mem{})
		wantErr(t, err, abi.ErrCorrupt)
		o, err := Open("mm", change(func(s *Spec) { s.Shape = [4]uint64{} }), Mem{})
		must(t, o, err).Close()
		if !s.Closed() {
			s.Close()
		}
	}
}

func TestImpossibleSpec(t *testing.T) {
	for _, n := range []uint64{0, abi.MaxSize + 1, 1 << 63, ^uint64(0)} {
		_, err := New(plain(n), Mem{})
		wantErr(t, err, fs.ErrInvalid, "size")
	}
	spec := plain(8)
	spec.Codec = "a name that is too long"
	_, err := New(spec, Mem{})
	wantErr(t, err, fs.ErrInvalid, spec.Codec)
	for _, perm := range []fs.FileMode{0o700, 0o1600, fs.ModeSetuid | 0o600} {
		_, err := Create("perm", plain(8), Mem{Perm: perm})
		wantErr(t, err, fs.ErrInvalid, "Perm")
	}
}

func TestInitFails(t *testing.T) {
	before, held := fds(t), len(Held())
	bad := errors.New("no")
	spec := plain(8)
	spec.Init = func([]byte) error { return bad }
	for _, make := range []func() (*Segment, error){
		func() (*Segment, error) { return New(spec, Mem{}) },
		func() (*Segment, error) { return Create("init", spec, Mem{}) },
		func() (*Segment, error) { return OpenOrCreate("init", spec, Mem{}) },
	} {
		_, err := make()
		wantErr(t, err, bad, "init")
		spec.Init = func([]byte) error { panic(bad) }
		func() {
			defer func() {
				if recover() != bad {
					t.Error("the panic did not pass")
				}
			}()
			make()
		}()
		spec.Init = func([]byte) error { return bad }
	}
	if _, err := os.Lstat(path(t, "init")); err == nil {
		t.Error("a name was left")
	}
	if fds(t) != before || len(Held()) != held {
		t.Errorf("left behind: %d descriptors, mappings %v", fds(t)-before, Held())
	}
}

func TestClosed(t *testing.T) {
	s := mustCreate(t, "closed", plain(8))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for what, s := range map[string]*Segment{"closed": s, "zero": {}, "nil": nil} {
		if !s.Closed() || s.Payload() != nil || s.ClaimEnd(0) || s.Guarded() {
			t.Errorf("%s: closed %t, payload %v", what, s.Closed(), s.Payload())
		}
		s.ReleaseEnd(0)
		s.UnmapWhenUnreachable()
		_, err := s.Text()
		for _, err := range []error{err, s.Close(), s.Unlink(), s.Protect(func() { t.Error("ran") })} {
			wantErr(t, err, os.ErrClosed, "shm: ")
		}
	}
	if s.Name() != "closed" || s.Shape()[0] != 8 {
		t.Errorf("after Close: name %q, shape %v", s.Name(), s.Shape())
	}
}

func TestUnlink(t *testing.T) {
	s := mustCreate(t, "u", plain(8))
	if err := s.Unlink(); err != nil {
		t.Fatal(err)
	}
	wantErr(t, s.Unlink(), fs.ErrNotExist)
	s.Payload()[0] = 1 // users keep the object
	other := mustCreate(t, "u", plain(8))
	wantErr(t, s.Unlink(), fs.ErrNotExist, "another object")
	if other.Payload()[0] != 0 {
		t.Error("the new object is the old one")
	}
	if err := Unlink("u", Mem{}); err != nil {
		t.Error(err)
	}
	wantErr(t, Unlink("u", Mem{}), fs.ErrNotExist)
	wantErr(t, Unlink("../u", Mem{}), fs.ErrInvalid)
	if err := os.WriteFile(path(t, "theirs"), []byte("psm_data"), 0o600); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(path(t, "theirs"))
	wantErr(t, Unlink("theirs", Mem{}), abi.ErrForeign)
	if _, err := os.Stat(path(t, "theirs")); err != nil {
		t.Error("it removed a file that is not its own")
	}
}

func TestNames(t *testing.T) {
	nowhere := Mem{Dir: "/no/such/directory"} // so a name that passes is fs.ErrNotExist
	for _, name := range []string{"", ".", "..", "/", "a/b", "../x", "/etc/passwd", "a\x00b", strings.Repeat("x", 256), "\xff"} {
		for _, f := range []func() error{
			func() error { _, err := Create(name, plain(8), nowhere); return err },
			func() error { _, err := Open(name, plain(8), nowhere); return err },
			func() error { _, err := OpenOrCreate(name, plain(8), nowhere); return err },
			func() error { _, err := Inspect(name, nowhere); return err },
			func() error { return Unlink(name, nowhere) },
		} {
			wantErr(t, f(), fs.ErrInvalid, "bad name")
		}
	}
	for _, name := range []string{"a", "...", "a#b", "ünïcode", " ", "a\nb", strings.Repeat("x", 255)} {
		_, err := Open(name, plain(8), nowhere)
		wantErr(t, err, fs.ErrNotExist)
		s := mustCreate(t, name, plain(8))
		text, err := s.Text()
		if err != nil {
			t.Fatal(err)
		}
		o, err := FromText(text, plain(0))
		must(t, o, err)
	}
}

func TestDirectory(t *testing.T) {
	for _, c := range []struct{ mem, env, want string }{
		{"", "", "/dev/shm"}, {"", "/a/b/", "/a/b"}, {"/c", "/a", "/c"},
	} {
		t.Setenv("SHMKIT_DIR", c.env)
		if got, err := (&Mem{Dir: c.mem}).directory(); err != nil || got != c.want {
			t.Errorf("%v: %q, %v", c, got, err)
		}
	}
	t.Setenv("SHMKIT_DIR", "rel")
	if got, _ := new(Mem).directory(); !filepath.IsAbs(got) || filepath.Base(got) != "rel" {
		t.Errorf("got %q", got)
	}
}

func TestEnds(t *testing.T) {
	a := mustCreate(t, "ends", plain(64))
	b, err := Open("ends", plain(0), Mem{})
	b = must(t, b, err)
	if !a.ClaimEnd(8) || a.ClaimEnd(8) || b.ClaimEnd(8) || !b.ClaimEnd(16) {
		t.Error("an end was claimed twice, or not at all")
	}
	a.Close()
	a.ReleaseEnd(8)
	if !b.ClaimEnd(8) {
		t.Error("an end was not given back")
	}
	b.Close()
	c, err := Open("ends", plain(0), Mem{})
	if c = must(t, c, err); !c.ClaimEnd(16) {
		t.Error("a new mapping knows the claims of an old one")
	}
}

func BenchmarkOpenClose(b *testing.B) {
	s, err := Create("bench", plain(4096), Mem{})
	if err != nil {
		b.Fatal(err)
	}
	s.Close()
	defer os.Remove(s.path)
	for b.Loop() {
		s, err := Open("bench", plain(0), Mem{})
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNewClose(b *testing.B) {
	for b.Loop() {
		s, err := New(plain(4096), Mem{})
		if err != nil {
			b.Fatal(err)
		}
		s.Close()
	}
}

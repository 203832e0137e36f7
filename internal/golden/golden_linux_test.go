package golden

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/shmkit/shmkit/array"
	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/ringbuf"
	"github.com/shmkit/shmkit/shm"
	"github.com/shmkit/shmkit/value"
)

func TestMain(m *testing.M) { proctest.Main(m) }

var missing = flag.Bool("make-missing", false, "make the golden files of this version that there are not")

// rec is the T of what has a struct in it.
type rec struct {
	A int32
	B float64
	C [3]uint16
}

func recOf(n int) rec { return rec{int32(n), float64(n) / 2, [3]uint16{uint16(n), 1, 2}} }

// object is one kind, or form of it: how it is made, and what must be found in it.
type object struct {
	create func(name string) (io.Closer, error)
	check  func(name string) error
	other  func(name string) error // opens it as of another T; nil: it has none
}

var ctx = context.Background()

// closing ends with the memory gone, so that the file can be opened anew.
func closing(c io.Closer, err error) error {
	if err == nil {
		err = c.Close()
	}
	runtime.GC()
	return err
}

func want[T comparable](what string, have, want T) error {
	if have != want {
		return fmt.Errorf("%s is %v, want %v", what, have, want)
	}
	return nil
}

func opens[C io.Closer](o C, err error) error {
	if err == nil {
		_ = o.Close()
	}
	return err
}

var objects = map[string]object{
	"segment": {
		create: func(name string) (io.Closer, error) {
			return shm.SegmentConfig{Size: 100, Init: func(b []byte) { copy(b, "golden") }}.Create(name)
		},
		check: func(name string) error {
			s, err := shm.OpenSegment(name)
			if err != nil {
				return err
			}
			return errors.Join(want("text", string(s.Bytes()[:6]), "golden"), want("size", len(s.Bytes()), 100), closing(s, nil))
		},
	},
	"var": {
		create: func(name string) (io.Closer, error) {
			return shm.Config[rec]{Init: func(r *rec) { *r = recOf(5) }}.Create(name)
		},
		check: func(name string) error {
			v, err := shm.Open[rec](name)
			if err != nil {
				return err
			}
			return errors.Join(want("T", *v.Ptr(), recOf(5)), closing(v, nil))
		},
		other: func(name string) error { return opens(shm.Open[int32](name)) },
	},
	"spsc": {
		create: func(name string) (io.Closer, error) {
			return made(ringbuf.SPSCConfig[rec]{Cap: 10}.Create(name))(func(r *ringbuf.SPSC[rec]) error { return put(r, recOf(1), recOf(2)) })
		},
		check: func(name string) error { return got(ringbuf.OpenSPSC[rec](name))(recOf(1), recOf(2)) },
		other: func(name string) error { return opens(ringbuf.OpenSPSC[int32](name)) },
	},
	"messages": {
		create: func(name string) (io.Closer, error) {
			return made(ringbuf.SPSCConfig[[]byte]{Cap: 100}.Create(name))(func(r *ringbuf.SPSC[[]byte]) error { return put(r, []byte("golden"), []byte("")) })
		},
		check: func(name string) error {
			r, err := ringbuf.OpenSPSC[[]byte](name)
			if err != nil {
				return err
			}
			c, err := r.Consumer()
			if err != nil {
				return err
			}
			m, err := c.TryGet()
			return errors.Join(err, want("message", string(m), "golden"), want("length", r.Len(), 1), closing(r, nil))
		},
	},
	"mpmc": {
		create: func(name string) (io.Closer, error) {
			r, err := ringbuf.MPMCConfig[rec]{Cap: 10}.Create(name)
			if err != nil {
				return nil, err
			}
			return r, errors.Join(r.TryPut(recOf(1)), r.TryPut(recOf(2)))
		},
		check: func(name string) error {
			r, err := ringbuf.OpenMPMC[rec](name)
			if err != nil {
				return err
			}
			x, err := r.TryGet()
			y, err2 := r.TryGet()
			return errors.Join(err, err2, want("first", x, recOf(1)), want("second", y, recOf(2)), want("capacity", r.Cap(), 10), closing(r, nil))
		},
		other: func(name string) error { return opens(ringbuf.OpenMPMC[int32](name)) },
	},
	"value": {
		create: func(name string) (io.Closer, error) { return value.Config[int32]{Init: -7}.Create(name) },
		check: func(name string) error {
			v, err := value.Open[int32](name)
			if err != nil {
				return err
			}
			return errors.Join(want("value", v.Load(), -7), want("sum", value.Add(v, 1), -6), closing(v, nil))
		},
		other: func(name string) error { return opens(value.Open[int64](name)) }, // another width
	},
	"value.copies": {
		create: func(name string) (io.Closer, error) {
			v, err := value.Config[rec]{Init: recOf(1)}.Create(name)
			if err == nil {
				v.Store(recOf(2))
			}
			return v, err
		},
		check: func(name string) error {
			v, err := value.Open[rec](name)
			if err != nil {
				return err
			}
			return errors.Join(want("value", v.Swap(recOf(3)), recOf(2)), want("next", v.Load(), recOf(3)), closing(v, nil))
		},
		other: func(name string) error { return opens(value.Open[[3]int64](name)) },
	},
	"array": {
		create: func(name string) (io.Closer, error) {
			return array.Config[rec]{Init: []rec{recOf(1), recOf(2), recOf(3)}, Len: 20, Stripes: 2}.Create(name)
		},
		check: func(name string) error {
			a, err := array.Config[rec]{Len: 20, Stripes: 2}.Open(name)
			if err != nil {
				return err
			}
			_, err = a.WriteAt([]rec{recOf(9)}, 1)
			return errors.Join(err, want("first", a.Load(0), recOf(1)), want("second", a.Load(1), recOf(9)), want("last", a.Load(19), rec{}), closing(a, nil))
		},
		other: func(name string) error { return opens(array.Open[[3]int64](name)) },
	},
}

func made[T any](r *ringbuf.SPSC[T], err error) func(func(*ringbuf.SPSC[T]) error) (io.Closer, error) {
	return func(f func(*ringbuf.SPSC[T]) error) (io.Closer, error) {
		if err != nil {
			return nil, err
		}
		return r, f(r)
	}
}

func put[T any](r *ringbuf.SPSC[T], xs ...T) error {
	p, err := r.Producer()
	if err != nil {
		return err
	}
	for _, x := range xs {
		err = errors.Join(err, p.Put(ctx, x))
	}
	return errors.Join(err, p.Close())
}

func got(r *ringbuf.SPSC[rec], err error) func(xs ...rec) error {
	return func(xs ...rec) error {
		if err != nil {
			return err
		}
		c, err := r.Consumer()
		if err != nil {
			return err
		}
		for _, x := range xs {
			y, e := c.TryGet()
			err = errors.Join(err, e, want("item", y, x))
		}
		return errors.Join(err, closing(r, nil))
	}
}

// file is the golden file of an object.
func file(version, name string) string { return filepath.Join("testdata", version, name+".txt") }

// lay puts bytes under a name.
func lay(t *testing.T, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(os.Getenv("SHMKIT_DIR"), name)
	os.Remove(path)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(path) })
	return path
}

func golden(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(file("v1", name))
	if err != nil {
		t.Fatal(err)
	}
	b, err := Decode(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Each object of this version opens, and holds what it was given.
func TestOpens(t *testing.T) {
	for name, o := range objects {
		if *missing {
			makeMissing(t, name, o)
		}
		lay(t, "g."+name, golden(t, name))
		if err := o.check("g." + name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	files, err := filepath.Glob(file("*", "*"))
	if err != nil || len(files) != len(objects) {
		t.Errorf("%d files for %d objects, %v", len(files), len(objects), err)
	}
}

func makeMissing(t *testing.T, name string, o object) {
	t.Helper()
	if _, err := os.Stat(file("v1", name)); err == nil {
		return
	}
	c, err := o.create("g." + name)
	if err := closing(c, err); err != nil {
		t.Fatal(err)
	}
	b := image(t, filepath.Join(os.Getenv("SHMKIT_DIR"), "g."+name))
	if err := os.WriteFile(file("v1", name), Encode(b), 0o644); err != nil {
		t.Fatal(err)
	}
}

// What is made today is laid out as what was made then: the header but for its id, the length, the shape.
func TestMadeAlike(t *testing.T) {
	for name, o := range objects {
		c, err := o.create("g.new")
		if err := closing(c, err); err != nil {
			t.Fatal(name, err)
		}
		path := filepath.Join(os.Getenv("SHMKIT_DIR"), "g.new")
		b := image(t, path)
		os.Remove(path)
		old := golden(t, name)
		for _, b := range [][]byte{b, old} {
			clear(b[32:48]) // the id
		}
		if len(b) != len(old) || !bytes.Equal(b[:4096], old[:4096]) {
			t.Errorf("%s: another header, or %d bytes, not %d", name, len(b), len(old))
		}
	}
}

// What is not as it should be is refused, by name.
func TestRefused(t *testing.T) {
	for name, o := range objects {
		whole := golden(t, name)
		for _, c := range []struct {
			what  string
			spoil func(b []byte) []byte
			is    error  // the error is that
			says  string // or a MismatchError of that
		}{
			{"another version", func(b []byte) []byte { binary.NativeEndian.PutUint32(b[12:], 2); return b }, nil, "ABI version"},
			{"another byte order", func(b []byte) []byte { slices.Reverse(b[8:12]); return b }, nil, "byte order"},
			{"another kind", func(b []byte) []byte { binary.NativeEndian.PutUint32(b[24:], otherKind(b)); return b }, nil, "kind"},
			{"truncated by a byte", func(b []byte) []byte { return b[:len(b)-1] }, abi.ErrTruncated, ""},
			{"a feature of later", func(b []byte) []byte { b[16] = 1; return b }, nil, "feature bits"},
			{"another payload size", func(b []byte) []byte { b[56]++; return b }, abi.ErrCorrupt, ""},
			{"no magic", func(b []byte) []byte { b[0]++; return b }, abi.ErrForeign, ""},
		} {
			lay(t, "g.bad", c.spoil(bytes.Clone(whole)))
			refused(t, name+": "+c.what, o.check("g.bad"), c.is, c.says)
		}
		if o.other != nil {
			lay(t, "g.bad", bytes.Clone(whole))
			says := "T"
			if whole[112] != 0 { // encoded items have no type in the header, but a codec
				says = "codec"
			}
			refused(t, name+": another T", o.other("g.bad"), nil, says)
		}
	}
}

func refused(t *testing.T, what string, err, is error, says string) {
	t.Helper()
	var m *shm.MismatchError
	switch {
	case err == nil:
		t.Errorf("%s is not refused", what)
	case is != nil && !errors.Is(err, is):
		t.Errorf("%s: %v, want one that is %v", what, err, is)
	case is == nil && !(errors.As(err, &m) && (m.What == says || says == "T" && strings.HasPrefix(m.What, "field "))):
		t.Errorf("%s: %v, want a mismatch of %q", what, err, says)
	}
}

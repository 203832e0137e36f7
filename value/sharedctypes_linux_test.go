package value_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/shmkit/shmkit/array"
	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/shm"
	"github.com/shmkit/shmkit/value"
)

// More of what Python documents of Value and its wrappers: see python_linux_test.go. A custom lock, get_lock and get_obj have
// nothing here that answers to them: see the package's first lines. Equality is of handles in Python; here of what Load returns.

type foo struct {
	X int32
	Y float64
}

var _ = proctest.Register("value doubles", func(args []string) int {
	x, y, z := new(value.Value[int32]), new(value.Value[float64]), new(value.Value[foo])
	floats, text := new(array.Array[float64]), new(array.Array[byte])
	for i, h := range []interface{ UnmarshalText([]byte) error }{x, y, z, floats, text} {
		if h.UnmarshalText([]byte(args[i])) != nil {
			return 1
		}
	}
	x.Update(func(n *int32) { *n *= 2 })
	y.Update(func(n *float64) { *n *= 2 })
	z.Update(func(f *foo) { f.X *= 2; f.Y *= 2 })
	for i := range floats.Len() {
		floats.Update(i, func(n *float64) { *n *= 2 })
	}
	if array.SetString(text, array.String(text)+array.String(text)) != nil {
		return 1
	}
	proctest.Say("done")
	return 0
})

// SharedCTypes.test_sharedctypes: numbers, a Structure, an array and a string, all doubled by another process.
func TestPythonSharedCTypes(t *testing.T) {
	x, y, z := vnew(t, int32(7)), vnew(t, 1.0/3), vnew(t, foo{3, 2})
	floats, err := array.From([]float64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9})
	if err != nil {
		t.Fatal(err)
	}
	defer floats.Close()
	text, err := array.New[byte](20)
	if err != nil {
		t.Fatal(err)
	}
	defer text.Close()
	if err := array.SetString(text, "hello"); err != nil {
		t.Fatal(err)
	}
	p := proctest.Start(t, "value doubles", vtext(t, x), vtext(t, y), vtext(t, z), vtext(t, floats), vtext(t, text))
	p.Expect("done")
	if x.Load() != 14 || y.Load() != 2.0/3 || z.Load() != (foo{6, 4}) || array.String(text) != "hellohello" {
		t.Error(x.Load(), y.Load(), z.Load(), array.String(text))
	}
	for i, n := range floats.All() {
		if n != float64(2*i) {
			t.Errorf("%d: %v", i, n)
		}
	}
}

// A Structure has one locked property for each field in Python, so that two fields may be of two moments. Here a struct is one value.
func TestPythonStructureIsOneValue(t *testing.T) {
	z := vnew(t, foo{})
	p := proctest.Start(t, "value pairs", vtext(t, z))
	p.Expect("on")
	for range 20000 {
		if f := z.Load(); float64(f.X) != f.Y {
			t.Fatalf("torn: %v", f)
		}
	}
	p.Send("enough")
	p.Wait()
}

var _ = proctest.Register("value pairs", func(args []string) int {
	z := new(value.Value[foo])
	if z.UnmarshalText([]byte(args[0])) != nil {
		return 1
	}
	proctest.Say("on")
	enough := make(chan bool)
	go func() { proctest.Hear(); close(enough) }()
	for i := int32(0); ; i++ {
		z.Store(foo{i, float64(i)})
		select {
		case <-enough:
			return 0
		default:
		}
	}
})

// test_invalid_typecode, and a wrong type assigned: TypeError at run time. Here the compiler refuses that, New a T that cannot
// be shared, by the field's path, and Open another T than there is, by both.
func TestPythonInvalidTypecode(t *testing.T) {
	_, err := value.New(struct{ A, B *int }{})
	if err == nil || !strings.Contains(err.Error(), "A") {
		t.Errorf("a pointer: %v", err)
	}
	v, err := value.OpenOrCreate("v.typecode", int32(1))
	vkeep(t, v, err)
	defer v.Unlink()
	_, err = value.Open[float32]("v.typecode")
	var m *shm.MismatchError
	if !errors.As(err, &m) || m.Have == m.Want {
		t.Errorf("another type: %v", err)
	}
}

package codec_test

import (
	"bytes"
	"reflect"
	"runtime"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/codec"
	"github.com/shmkit/shmkit/shm"
)

func TestHostileInput(t *testing.T) {
	for name, b := range map[string][]byte{
		"nothing":                    {},
		"deep":                       bytes.Repeat([]byte{0x81}, 1_000_000),
		"deep tags":                  bytes.Repeat([]byte{0xc1}, 1_000_000),
		"an array of 2^31 items":     {0x9a, 0x7f, 0xff, 0xff, 0xff, 1},
		"an array of 2^64 items":     {0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1},
		"a map of 2^31 pairs":        {0xba, 0x7f, 0xff, 0xff, 0xff, 1, 1},
		"a text of 2^63 bytes":       {0x7b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 'a'},
		"without an end":             {0x9f, 1, 1, 1},
		"half a number":              {0x1b, 1},
		"two values":                 {1, 2},
		"a number as the key of any": {0xa1, 1, 1},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		var x any
		if err := codec.CBOR.Decode(b, &x); err == nil {
			t.Errorf("%s was decoded into %v", name, x)
		}
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
			t.Errorf("%s: %d bytes allocated for %d", name, n, len(b))
		}
	}
}

// What was opened before the error is closed: the leak check of the run would tell.
func TestDecodeUndoes(t *testing.T) {
	type from struct {
		A *shm.Var[int64]
		B string
	}
	type to struct{ A, B *shm.Var[int64] }
	v, err := shm.New[int64]()
	if err != nil {
		t.Fatal(err)
	}
	b, err := codec.CBOR.Append(nil, from{v, "no handle"})
	v.Close()
	if err != nil {
		t.Fatal(err)
	}
	var x to
	if err := codec.CBOR.Decode(b, &x); err == nil || x.A != nil {
		t.Errorf("%v, %v", x, err)
	}
	v, _ = shm.New[int64]()
	b, _ = codec.CBOR.Append(nil, from{v, "no handle"})
	if err := codec.CBOR.Decode(b, &x); err == nil || x.A != nil {
		t.Errorf("%v, %v", x, err)
	}
	v.Close()
}

type target struct {
	N  int8
	S  string
	T  time.Time
	P  *target
	L  []target
	M  map[string]*target
	X  any
	B  []byte
	F  float32
	A  [2]uint16
	U  *uint
	E  []any
	MM map[int]bool
}

func FuzzDecode(f *testing.F) {
	for _, v := range []any{nil, 1, "s", []any{1, "a", nil}, target{N: 1, T: time.Unix(1, 0), L: []target{{S: "x"}}}, map[string]any{"X": 1.5}} {
		b, err := codec.CBOR.Append(nil, v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte{0xc2, 0x49, 1, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		var x any
		if codec.CBOR.Decode(b, &x) == nil {
			again, err := codec.CBOR.Append(nil, x)
			var y any
			if err == nil {
				err = codec.CBOR.Decode(again, &y)
			}
			if err != nil {
				t.Errorf("%x gives %v, which does not travel: %v", b, x, err)
			}
		}
		var s target
		if codec.CBOR.Decode(b, &s) != nil && !reflect.DeepEqual(s, target{}) {
			t.Error("an error has left something behind")
		}
		var m map[string]target
		codec.CBOR.Decode(b, &m)
		var h struct{ V *shm.Var[int64] }
		codec.CBOR.Decode(b, &h)
	})
}

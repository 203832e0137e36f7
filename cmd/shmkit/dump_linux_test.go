package main

import (
	"math"
	"os"
	"strings"
	"testing"

	"github.com/shmkit/shmkit/array"
	"github.com/shmkit/shmkit/value"
)

type place struct {
	X, Y float32
	Name [8]byte
	N    [2][2]int16
}

// dumps runs the command, and wants that output, or error.
func dumps(t *testing.T, want string, args ...string) {
	t.Helper()
	var out, wrong strings.Builder
	code := run(args, &out, &wrong)
	if got := out.String() + wrong.String(); !strings.Contains(got, want) || (code == 0) != (wrong.Len() == 0) {
		t.Errorf("shmkit %s: %d, %q; want %q", strings.Join(args, " "), code, got, want)
	}
}

func TestDumpAndSet(t *testing.T) {
	t.Setenv("SHMKIT_DIR", t.TempDir())
	if os.Getenv("SHMKIT_DIR") == "" {
		t.Fatal("no directory")
	}
	n, err := value.OpenOrCreate("d.n", int64(math.MinInt64))
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	p, err := value.OpenOrCreate("d.p", place{X: 1.5, Y: float32(math.Inf(1)), Name: [8]byte{'a', 'b'}, N: [2][2]int16{{1, 2}, {3, -4}}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	a, err := array.OpenOrCreate[uint16]("d.a", 40)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	a.WriteAt([]uint16{1, 2, math.MaxUint16}, 0)
	s, err := array.OpenOrCreate[byte]("d.s", 20)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	array.SetString(s, "größer")

	dumps(t, `{"name":"d.n","kind":"value","type":"\u003cq","value":-9223372036854775808}`, "dump", "d.n")
	dumps(t, `"value":{"X":1.5,"Y":"+Inf","Name":[97,98,0,0,0,0,0,0],"N":[[1,2],[3,-4]]}}`, "dump", "d.p")
	dumps(t, `"value":[1,2,65535,0,0,`, "dump", "d.a")
	dumps(t, "-9223372036854775808", "show", "d.n")
	dumps(t, `value.Name      "ab"`, "show", "d.p")
	dumps(t, "8 more: shmkit dump", "show", "d.a")
	dumps(t, `"größer"`, "show", "d.s")

	dumps(t, "", "set", "d.n", "42")
	dumps(t, "", "set", "d.p", `{"Y": -2, "Name": "xyz", "N": [[5,6],[7,8]]}`)
	if n.Load() != 42 || p.Load() != (place{1.5, -2, [8]byte{'x', 'y', 'z'}, [2][2]int16{{5, 6}, {7, 8}}}) {
		t.Error(n.Load(), p.Load())
	}
	was := p.Load()
	for text, want := range map[string]string{
		"x": "not one JSON", "9223372036854775808": "out of its range", "1.5": "no int64", "[1]": "no int64", "1 2": "not one JSON",
	} {
		dumps(t, want, "set", "d.n", text)
	}
	for text, want := range map[string]string{
		"1": "an object of fields", `{"Z":1}`: `no field "Z"`, `{"X":1,"Name":"123456789"}`: "text of 9 bytes, for 8",
		`{"N":[1,2]}`: "a list of 2", `{"N":[[1,2],[3,40000]]}`: "N[1][1]",
	} {
		dumps(t, want, "set", "d.p", text)
	}
	if n.Load() != 42 || p.Load() != was {
		t.Error("what does not fit has changed it:", n.Load(), p.Load())
	}
	dumps(t, "only a value can be set", "set", "d.a", "1")
}

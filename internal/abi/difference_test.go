package abi

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestDifference(t *testing.T) {
	type v1 struct{ Hits, Miss int64 }
	type swapped struct{ Miss, Hits int64 }
	type narrower struct {
		Hits int64
		Miss int32
	}
	type longer struct{ Hits, Miss, More int64 }
	type nested struct {
		Hits int64
		In   [2]struct{ A, B int16 }
	}
	type nested3 struct {
		Hits int64
		In   [3]struct{ A, B int16 }
	}
	type nestedC struct {
		Hits int64
		In   [2]struct{ A, C int16 }
	}
	of := func(ty reflect.Type) string {
		x, err := Shareable(ty)
		if err != nil {
			t.Fatal(err)
		}
		return x.Format
	}
	a := of(reflect.TypeFor[v1]())
	n := of(reflect.TypeFor[nested]())
	for _, c := range [][5]string{
		{a, a, "", "", ""},
		{a, of(reflect.TypeFor[narrower]()), "Miss", "int64 at byte 8", "int32 at byte 8"},
		{a, of(reflect.TypeFor[swapped]()), "Miss", "Hits int64 at byte 0", "Miss int64 at byte 0"},
		{a, of(reflect.TypeFor[longer]()), "More", "nothing", "More int64 at byte 16"},
		{of(reflect.TypeFor[longer]()), a, "More", "More int64 at byte 16", "nothing"},
		{n, of(reflect.TypeFor[nested3]()), "In", "[2]struct at byte 8", "[3]struct at byte 8"},
		{n, of(reflect.TypeFor[nestedC]()), "In[].C", "In[].B int16 at byte 10", "In[].C int16 at byte 10"},
		{"<q", "<i", "T", "int64 at byte 0", "int32 at byte 0"},
		{"<(3)q", "<q", "T", "[3]int64 at byte 0", "int64 at byte 0"},
		{"<T{q:A:}", "<T{q:A:8x}", "T", "8 bytes", "16 bytes"},
		{"<T{q:A:xx}", "<T{q:A:2x}", "T", `"<T{q:A:xx}"`, `"<T{q:A:2x}"`},
		{"", "<q", "T", "no type", `"<q"`},
		{"nonsense", "<q", "T", `"nonsense"`, `"<q"`},
	} {
		field, have, want := Difference(c[0], c[1])
		if [3]string{field, have, want} != [3]string(c[2:]) {
			t.Errorf("%s against %s: %q, %q, %q; want %q", c[0], c[1], field, have, want, c[2:])
		}
	}
}

// Strings that a peer could write must cost little and say little.
func TestDifferenceHostile(t *testing.T) {
	deep := "<" + strings.Repeat("T{", 30000) + "q" + strings.Repeat(":a:}", 3000)
	long := "<T{" + strings.Repeat("q:"+strings.Repeat("n", 1000)+":", 60) + "}"
	nest := "<" + strings.Repeat("T{", 60) + strings.Repeat("b:x:", 8000) + "}" + strings.Repeat(":"+strings.Repeat("y", 400)+":}", 59)
	for _, s := range []string{
		"", "<", "<T{", "<T{}", "<}", "<(", "<()q", "<(1", "<(99999999999999999999)q", "<(1099511627775,1099511627775)q",
		"<T{1099511627775x1099511627775x1099511627775xq:a:}", "<T{99999999999999999999999x}", "<T{0xq:a:}", "<T{q}", "<T{q:}", "<T{q:a}",
		"<Z", "<T{Zq:a:}", "<\x00", "<T{q:\x1b[2J:}", "<(-1)q", "<(0)q", deep, long, nest, strings.Repeat("<", MaxFormat+1),
		"<(" + strings.Repeat("1,", 20000) + "1)q",
	} {
		for _, other := range []string{"<T{q:a:}", s + "x", long} {
			start := time.Now()
			field, have, want := Difference(s, other)
			if field == "" && s != other {
				t.Errorf("%.40q and %.40q are the same", s, other)
			}
			if n := len(field) + len(have) + len(want); n > 5*clipped {
				t.Errorf("%.40q: an answer of %d bytes", s, n)
			}
			if !printable(field + have + want) {
				t.Errorf("%.40q: answer cannot be printed", s)
			}
			if d := time.Since(start); d > 2*time.Second {
				t.Errorf("%.40q took %v", s, d)
			}
		}
	}
}

func FuzzDifference(f *testing.F) {
	f.Add("<T{q:Hits:4x(3)T{b:X:}:In:}", "<T{q:Hits:}")
	f.Add("<(2,3)Zd", "<?")
	f.Fuzz(func(t *testing.T, a, b string) {
		field, have, want := Difference(a, b)
		if (field == "") != (a == b) {
			t.Fatalf("%q, %q, %q", field, have, want)
		}
		if !printable(field+have+want) || len(field)+len(have)+len(want) > 5*clipped {
			t.Fatalf("answer %q, %q, %q", field, have, want)
		}
	})
}

package abi

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	got, err := Parse("<T{q:Hits:(2,3)T{T{I:mutex:}:Mu:4x(2)h:P:}:Rows:T{I:mutex:}:Last:4x}")
	word := []Item{{Name: "mutex", Kind: "uint32", Count: 1, Size: 4}}
	want := &Item{Kind: "struct", Count: 1, Size: 88, Members: []Item{
		{Name: "Hits", Kind: "int64", Count: 1, Size: 8},
		{Name: "Rows", Kind: "struct", Dims: "[2][3]", Count: 6, Off: 8, Size: 12, Members: []Item{
			{Name: "Mu", Kind: "struct", Count: 1, Size: 4, Members: word},
			{Name: "P", Kind: "int16", Dims: "[2]", Count: 2, Off: 8, Size: 2},
		}},
		{Name: "Last", Kind: "struct", Count: 1, Off: 80, Size: 4, Members: word},
	}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	for _, bad := range []string{"", "q", "<", "<T{q:A}", "<T{q:A:", "<q<q", "<(2q"} {
		if it, err := Parse(bad); err == nil {
			t.Errorf("%q is %+v", bad, it)
		}
	}
}

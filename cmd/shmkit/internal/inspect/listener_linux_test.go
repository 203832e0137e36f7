package inspect_test

import (
	"strings"
	"testing"

	"github.com/shmkit/shmkit/cmd/shmkit/internal/inspect"
	"github.com/shmkit/shmkit/pipe"
)

func TestShowListener(t *testing.T) {
	l, err := pipe.Listen("doors")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var out strings.Builder
	if err := inspect.Show(&out, "doors"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"kind            listener\n", "asked for so far", "listener "} {
		if !strings.Contains(strings.Join(strings.Fields(out.String()), " "), strings.Join(strings.Fields(want), " ")) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

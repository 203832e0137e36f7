package shm_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/shm"
)

func TestMain(m *testing.M) { proctest.Main(m) }

// handle is what every object of the toolkit offers.
type handle interface {
	Name() string
	MarshalText() ([]byte, error)
	UnmarshalText([]byte) error
	Close() error
	Unlink() error
}

var (
	_ handle = (*shm.Var[int64])(nil)
	_ handle = (*shm.Segment)(nil)
)

// keep closes and unlinks h at the end of the test, unless the test has.
func keep(t testing.TB, h handle, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		h.Unlink()
		if err := h.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
			t.Error(err)
		}
	})
}

func wantErr(t testing.TB, err, want error, words ...string) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got %v, want one that is %v", err, want)
		return
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q lacks %q", err, w)
		}
	}
}

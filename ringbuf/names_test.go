package ringbuf_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/shmkit/shmkit/ringbuf"
	"github.com/shmkit/shmkit/shm"
)

func TestNames(t *testing.T) {
	r, err := ringbuf.OpenOrCreateSPSC[int32]("ring", 10)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer r.Unlink()
	if r.Cap() != 10 || r.Name() != "ring" {
		t.Errorf("Cap %d, Name %q", r.Cap(), r.Name())
	}
	var m *shm.MismatchError
	if _, err := ringbuf.OpenOrCreateSPSC[int32]("ring", 11); !errors.As(err, &m) || m.What != "capacity" {
		t.Errorf("another capacity: %v", err)
	}
	if _, err := ringbuf.OpenSPSC[int64]("ring"); !errors.As(err, &m) {
		t.Errorf("another T: %v", err)
	}
	if _, err := ringbuf.OpenSPSC[[]byte]("ring"); !errors.As(err, &m) {
		t.Errorf("another form: %v", err)
	}
	if _, err := ringbuf.OpenSPSC[int32]("none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no such name: %v", err)
	}
	if _, err := (ringbuf.SPSCConfig[int32]{}).Create("ring"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Create: %v", err)
	}
	o, err := ringbuf.OpenOrCreateSPSC[int32]("ring", 0)
	if err != nil || o.Cap() != 10 {
		t.Fatalf("capacity left open: %v", err)
	}
	o.Close()
	for _, bad := range []int{-1, 1 << 62} {
		if _, err := ringbuf.NewSPSC[int32](bad); err == nil || !strings.Contains(err.Error(), "capacity") {
			t.Errorf("capacity %d: %v", bad, err)
		}
	}
	d, err := ringbuf.NewSPSC[int32](0)
	if err != nil || d.Cap() != 1024 {
		t.Errorf("default capacity: %v", err)
	}
	d.Close()
	if _, err := ringbuf.NewSPSC[string](1); err == nil {
		t.Error("a ring of strings")
	}
}

package pipe_test

import (
	"testing"

	"github.com/shmkit/shmkit/internal/race"
)

func TestAllocations(t *testing.T) {
	if race.Enabled {
		t.Skip("the detector allocates")
	}
	a, b := newPipe(t, 0)
	msg, dst := make([]byte, 100), make([]byte, 100)
	long, far := make([]byte, 40_000), make([]byte, 40_000)
	for name, f := range map[string]func(){
		"SendBytes, RecvBytes": func() { a.SendBytes(bg, msg); b.RecvBytes(bg, dst) },
		"a long message":       func() { a.SendBytes(bg, long); b.RecvBytes(bg, far) },
		"TryRecvBytes":         func() { a.SendBytes(bg, msg); b.TryRecvBytes(dst) },
		"Write, Read":          func() { a.Write(msg); b.Read(dst) },
		"nothing there":        func() { b.TryRecvBytes(dst) },
	} {
		if n := testing.AllocsPerRun(500, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

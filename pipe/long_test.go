package pipe_test

import (
	"bytes"
	"testing"

	"github.com/shmkit/shmkit/pipe"
)

// What has come of a long message is not copied again by each call that does not wait.
func TestLongIsCopiedOnce(t *testing.T) {
	a, b := newPipe(t, 4096)
	want := bytes.Repeat([]byte{0xff}, 300_000)
	dst := make([]byte, len(want))
	done := make(chan error, 1)
	go func() { done <- a.SendBytes(bg, want) }()
	kept, polls := false, 0
	for {
		dst[0] = 0
		m, err := b.TryRecvBytes(dst)
		if err == nil {
			if !bytes.Equal(m, want) || &m[0] != &dst[0] {
				t.Errorf("%d bytes, and not those", len(m))
			}
			break
		}
		if err != pipe.ErrEmpty {
			t.Fatal(err)
		}
		if kept {
			if polls++; dst[0] != 0 {
				t.Fatal("dst was written again before the message was whole")
			}
		}
		kept = kept || dst[0] != 0
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	t.Logf("%d polls", polls)
}

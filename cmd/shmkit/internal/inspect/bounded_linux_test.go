package inspect

import (
	"bytes"
	"testing"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/sem"
)

// More permits than fit into what a printer sees at once.
func TestShowBounded(t *testing.T) {
	const n = 3 * most / cellSize
	b, err := sem.OpenOrCreateBounded("app.many", n)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	defer b.Unlink()
	want(t, shown(t, "app.many"), "\nkind bounded semaphore\n", "\npermits 24576 of 24576 free, nobody waits\n")
	for range n - 7 {
		if !b.TryAcquire() {
			t.Fatal("no permit")
		}
	}
	want(t, shown(t, "app.many"), "\npermits 7 of 24576 free, nobody waits\n", "\ntaken 24569 permits: "+alive()+"\n")
}

// What a stranger could write.
func TestHostileBounded(t *testing.T) {
	ones := bytes.Repeat([]byte{0xff}, most)
	for _, c := range []struct {
		n, size uint64
		payload []byte
		said    string
	}{
		{0, most, ones, "corrupt"},
		{1 << 40, most, ones, "corrupt"},
		{100, most, ones, "corrupt"},
		{100, 928, nil, "corrupt"},
		{100, 928, ones[:500], "its memory is gone"},
		{100, 928, ones, "0 of 100 free, others wait\ntaken 100 permits: "},
	} {
		h := abi.Header{Kind: abi.KindBounded, Size: c.size, Shape: [4]uint64{c.n}}
		var b bytes.Buffer
		printBounded(&b, Object{Header: h, Payload: c.payload, Users: &users{}})
		if text := squeezed(b.String()); !bytes.Contains([]byte(text), []byte(c.said)) {
			t.Errorf("%d permits: it does not say %q: %s", c.n, c.said, text)
		}
	}
}

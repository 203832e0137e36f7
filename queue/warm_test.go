package queue_test

import (
	"bytes"
	"testing"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/queue"
)

// What long messages leave behind is bounded, whatever their number, and is used again by the next ones, of whatever size.
func TestWarmCells(t *testing.T) {
	q, err := queue.New[[]byte](64)
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	cold := queue.Used(q)
	sizes := []int{300, 5000, 100_000, abi.WarmSize, abi.WarmSize + 1, 257, 70_000}
	for round := range 5 {
		var want [][]byte
		for i := range 40 {
			b := bytes.Repeat([]byte{byte(i + round)}, sizes[(i+round)%len(sizes)])
			if err := q.TryPut(b); err != nil {
				t.Fatal(err)
			}
			want = append(want, b)
		}
		for i, b := range want {
			if got, err := q.TryGet(); err != nil || !bytes.Equal(got, b) {
				t.Fatal(i, len(got), len(b), err)
			}
		}
		if n := queue.Warm(q); n != abi.WarmCells {
			t.Errorf("%d warm cells, want %d", n, abi.WarmCells)
		}
	}
	if now := queue.Used(q); now != cold {
		t.Errorf("%d bytes in use beside the warm cells, and %d before", now, cold)
	}
}

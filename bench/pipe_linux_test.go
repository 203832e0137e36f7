package bench

import (
	"context"
	"testing"

	"github.com/shmkit/shmkit/pipe"
)

// BenchmarkPipe is a message, or as much of a stream, there and taken, both by one goroutine: nobody waits.
func BenchmarkPipe(b *testing.B) {
	x, y, err := pipe.New()
	must(b, err)
	defer x.Close()
	defer y.Close()
	ctx, m, dst := context.Background(), make([]byte, 64), make([]byte, 64)
	b.Run("SendBytes", func(b *testing.B) {
		for b.Loop() {
			must(b, x.SendBytes(ctx, m))
			_, err := y.RecvBytes(ctx, dst)
			must(b, err)
		}
	})
	b.Run("Write", func(b *testing.B) {
		for b.Loop() {
			_, err := x.Write(m)
			must(b, err)
			_, err = y.Read(dst)
			must(b, err)
		}
	})
	b.Run("Send", func(b *testing.B) {
		for b.Loop() {
			must(b, x.Send(ctx, []any{11, nil, "lily"}))
			var v any
			must(b, y.Recv(ctx, &v))
		}
	})
}

package ringbuf_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/ringbuf"
	"github.com/shmkit/shmkit/shm"
)

// As the cuts of a ring of two.
var _ = proctest.Register("crowd.cut", func(args []string) int {
	var err error
	if args[0] == "items" {
		err = cutCrowd(func(uint64) (v [16]uint64) { return v }, 1024, args[2], args[1] == "guarded")
	} else {
		err = cutCrowd(func(n uint64) []byte { return make([]byte, n) }, 64<<10, args[2], args[1] == "guarded")
	}
	fmt.Println(errors.Is(err, shm.ErrTruncated), err)
	r, err := ringbuf.NewMPMC[int](4)
	if err != nil || r.Close() != nil {
		return 1
	}
	return 0
})

func cutCrowd[T any](make func(size uint64) T, capacity int, call string, guard bool) error {
	r, err := ringbuf.MPMCConfig[T]{Cap: capacity, Mem: shm.Mem{Guard: guard}}.Create(cutName)
	if err != nil {
		return err
	}
	defer func() { r.Len(); r.Stats(); r.Clone().Close(); r.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	cut := func() { _ = os.Truncate(cutPath(), 0) }
	later := func() { time.AfterFunc(50*time.Millisecond, cut) }
	fill := func() {
		for r.TryPut(make(8000)) == nil {
		}
	}
	switch call {
	case "waiting Get":
		later()
		_, err = r.Get(ctx)
	case "waiting GetBatch":
		later()
		_, err = r.GetBatch(ctx, []T{make(1), make(1)})
	case "waiting Put":
		fill()
		later()
		err = r.Put(ctx, make(8000))
	case "TryPut":
		cut()
		err = r.TryPut(make(9))
	case "TryGet":
		_ = r.TryPut(make(9))
		cut()
		_, err = r.TryGet()
	case "PutBatch":
		cut()
		_, err = r.PutBatch(ctx, []T{make(9), make(9)})
	case "Shutdown":
		cut()
		err = r.Shutdown()
	}
	return err
}

// A file that is cut short under a ring of many is an error where the toolkit has said so, and no SIGBUS.
func TestMPMCTruncated(t *testing.T) {
	waiting := []string{"waiting Get", "waiting GetBatch", "waiting Put", "Shutdown"}
	for _, form := range []string{"items", "messages"} {
		for how, calls := range map[string][]string{
			"guarded":   append([]string{"TryPut", "TryGet", "PutBatch"}, waiting...),
			"unguarded": waiting,
		} {
			for _, call := range calls {
				t.Run(form+"/"+how+"/"+call, func(t *testing.T) {
					defer os.Remove(cutPath())
					p := proctest.Start(t, "crowd.cut", form, how, call)
					if said := p.Recv(); len(said) < 5 || said[:5] != "true " {
						t.Errorf("it says %q", said)
					}
					p.Wait()
				})
			}
		}
	}
}

package value_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/shm"
	"github.com/shmkit/shmkit/value"
)

// vcalls are the calls on a value whose named file has been cut to nothing. Those without an error panic with it.
func vcalls[T comparable](x T) map[string]func(v *value.Value[T]) error {
	return map[string]func(v *value.Value[T]) error{
		"Load":           func(v *value.Value[T]) error { v.Load(); return nil },
		"Store":          func(v *value.Value[T]) error { v.Store(x); return nil },
		"Swap":           func(v *value.Value[T]) error { v.Swap(x); return nil },
		"Update":         func(v *value.Value[T]) error { v.Update(func(y *T) { *y = x }); return nil },
		"CompareAndSwap": func(v *value.Value[T]) error { value.CompareAndSwap(v, x, x); return nil },
		"UpdateContext": func(v *value.Value[T]) error {
			return v.UpdateContext(context.Background(), func(y *T) { *y = x })
		},
		"Wait": func(v *value.Value[T]) error {
			_, err := v.Wait(context.Background(), func(T) bool { return false })
			return err
		},
	}
}

// vcut makes a value, cuts its file and says what each call on it answers; all goes on in a process that must live on.
func vcut[T comparable](mem shm.Mem, init T, calls map[string]func(v *value.Value[T]) error) {
	for name, call := range calls {
		v, err := value.Config[T]{Init: init, Mem: mem}.Create("v.cut")
		if err == nil {
			v.Load()
			err = os.Truncate(filepath.Join(os.Getenv("SHMKIT_DIR"), "v.cut"), 0)
		}
		if err == nil {
			err = vcaught(func() error { return call(v) })
		}
		if !errors.Is(err, shm.ErrTruncated) {
			fmt.Printf("%T: %s: %v\n", init, name, err)
		}
		vclose(v)
		os.Remove(filepath.Join(os.Getenv("SHMKIT_DIR"), "v.cut"))
	}
}

func vcaught(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err, _ = r.(error)
		}
	}()
	return f()
}

var _ = proctest.Register("value cut", func([]string) int {
	guard := shm.Mem{Guard: true}
	vcut(guard, all(1), vcalls(all(2)))
	small := vcalls(int64(2))
	small["Add"] = func(v *value.Value[int64]) error { value.Add(v, 1); return nil }
	vcut(guard, int64(1), small)
	vcut(shm.Mem{}, [8192]byte{}, vcalls([8192]byte{1})) // of 4 KiB and more: guarded anyway
	n, err := value.New(int64(3))
	if err != nil || value.Add(n, 1) != 4 || n.Close() != nil {
		fmt.Println("the next value:", err)
	}
	fmt.Println("lives")
	return 0
})

// A named file that is cut short under a value with Mem.Guard, or one of 4 KiB, is an error of each call, and not the
// process's end.
func TestGuardTruncated(t *testing.T) {
	p := proctest.Start(t, "value cut")
	p.Expect("lives")
	if code := p.Wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

var _ = proctest.Register("value cut asleep", func(args []string) int {
	v, err := value.Config[int64]{}.Create("v.cut")
	if err != nil {
		return 1
	}
	ctx, cancel := context.WithTimeout(context.Background(), ever)
	defer cancel()
	time.AfterFunc(100*time.Millisecond, func() { _ = os.Truncate(filepath.Join(os.Getenv("SHMKIT_DIR"), "v.cut"), 0) })
	_, err = v.Wait(ctx, func(int64) bool { return false })
	fmt.Println(errors.Is(err, shm.ErrTruncated), err)
	v.Close()
	return 0
})

// Who sleeps in Wait is guarded without being asked.
func TestTruncatedUnderWait(t *testing.T) {
	defer os.Remove(filepath.Join(os.Getenv("SHMKIT_DIR"), "v.cut"))
	p := proctest.Start(t, "value cut asleep")
	if line := p.Recv(); len(line) < 4 || line[:4] != "true" {
		t.Error(line)
	}
	if code := p.Wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

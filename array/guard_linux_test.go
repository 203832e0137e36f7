package array_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/shmkit/shmkit/array"
	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/shm"
)

// acalls are the calls on an array of 1000 whose named file has been cut to nothing. Those without an error panic with it.
func acalls[T comparable](x T) map[string]func(a *array.Array[T]) error {
	return map[string]func(a *array.Array[T]) error{
		"Load":    func(a *array.Array[T]) error { a.Load(999); return nil },
		"Store":   func(a *array.Array[T]) error { a.Store(999, x); return nil },
		"Update":  func(a *array.Array[T]) error { a.Update(999, func(y *T) { *y = x }); return nil },
		"ReadAt":  func(a *array.Array[T]) error { _, err := a.ReadAt(make([]T, 10), 0); return err },
		"WriteAt": func(a *array.Array[T]) error { _, err := a.WriteAt(make([]T, 10), 0); return err },
		"Lock":    func(a *array.Array[T]) error { a.Lock(); return nil },
		"All": func(a *array.Array[T]) error {
			for range a.All() {
			}
			return nil
		},
	}
}

// acut makes an array, cuts its file and says what each call on it answers; all goes on in a process that must live on.
func acut[T comparable](mem shm.Mem, calls map[string]func(a *array.Array[T]) error) {
	for name, call := range calls {
		a, err := array.Config[T]{Len: 1000, Stripes: 3, Mem: mem}.Create("a.cut")
		if err == nil {
			err = os.Truncate(filepath.Join(os.Getenv("SHMKIT_DIR"), "a.cut"), 0)
		}
		if err == nil {
			err = acaught(func() error { return call(a) })
		}
		if !errors.Is(err, shm.ErrTruncated) {
			fmt.Printf("%T: %s: %v\n", *new(T), name, err)
		}
		a.Close()
		runtime.GC()
		os.Remove(filepath.Join(os.Getenv("SHMKIT_DIR"), "a.cut"))
	}
}

func acaught(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err, _ = r.(error)
		}
	}()
	return f()
}

var _ = proctest.Register("array cut", func([]string) int {
	guard := shm.Mem{Guard: true}
	cells := acalls(int32(2))
	cells["Add"] = func(a *array.Array[int32]) error { array.Add(a, 999, 1); return nil }
	acut(guard, cells)
	acut(guard, acalls(thrice(2)))
	bytes := map[string]func(a *array.Array[byte]) error{
		"SetString": func(a *array.Array[byte]) error { return array.SetString(a, "text") },
	}
	acut(guard, bytes)
	acut(shm.Mem{}, map[string]func(a *array.Array[triple]) error{ // of 4 KiB and more: guarded anyway
		"large ReadAt":  func(a *array.Array[triple]) error { _, err := a.ReadAt(make([]triple, 1000), 0); return err },
		"large WriteAt": func(a *array.Array[triple]) error { _, err := a.WriteAt(make([]triple, 1000), 0); return err },
	})
	n, err := array.New[int64](3)
	if err != nil || array.Add(n, 1, 4) != 4 || n.Close() != nil {
		fmt.Println("the next array:", err)
	}
	fmt.Println("lives")
	return 0
})

// A named file that is cut short under an array with Mem.Guard, or under a copy of 4 KiB, is an error of each call, and not the
// process's end.
func TestGuardTruncated(t *testing.T) {
	p := proctest.Start(t, "array cut")
	p.Expect("lives")
	if code := p.Wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// Half a file is as bad: what is left answers, what is gone is an error.
func TestGuardCutInTheMiddle(t *testing.T) {
	a, err := array.Config[int64]{Len: 4096, Mem: shm.Mem{Guard: true}}.Create("a.half")
	akeep(t, a, err)
	defer os.Remove(filepath.Join(os.Getenv("SHMKIT_DIR"), "a.half"))
	if err := os.Truncate(filepath.Join(os.Getenv("SHMKIT_DIR"), "a.half"), 4096+256+2*4096*8-4096); err != nil {
		t.Fatal(err)
	}
	a.Store(0, 7)
	if a.Load(0) != 7 {
		t.Error(a.Load(0))
	}
	if err := acaught(func() error { a.Store(4095, 7); return nil }); !errors.Is(err, shm.ErrTruncated) {
		t.Error(err)
	}
	if _, err := a.ReadAt(make([]int64, 4096), 0); !errors.Is(err, shm.ErrTruncated) {
		t.Error(err)
	}
}

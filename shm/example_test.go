package shm_test

import (
	"errors"
	"fmt"
	"log"
	"sync/atomic"

	"github.com/shmkit/shmkit/shm"
)

// A counter that any process on the machine can find by its name.
func Example() {
	type Stats struct {
		Hits atomic.Int64
		Last atomic.Int64 // Unix time in seconds
	}
	v, err := shm.OpenOrCreate[Stats]("example.stats")
	if err != nil {
		log.Fatal(err)
	}
	defer v.Close()
	defer v.Unlink() // only in an example: a name should outlive its users

	v.Ptr().Hits.Add(1)
	fmt.Println(v.Name(), v.Ptr().Hits.Load())
	// Output: example.stats 1
}

// A handle is text. Here it goes to the same process; a flag, the environment, JSON or a queue take it to
// another one.
func ExampleNew() {
	v, err := shm.New[atomic.Int64]()
	if err != nil {
		log.Fatal(err)
	}
	defer v.Close()
	text, err := v.MarshalText() // /proc/1234/fd/7#3f0a…
	if err != nil {
		log.Fatal(err)
	}

	var w shm.Var[atomic.Int64]
	if err := w.UnmarshalText(text); err != nil {
		log.Fatal(err)
	}
	defer w.Close()
	w.Ptr().Store(42)
	fmt.Println(v.Ptr().Load())
	// Output: 42
}

// Init runs before anybody can see the object, so no user needs to ask whether it is ready.
func ExampleConfig() {
	type Settings struct {
		Rate, Burst atomic.Int64
	}
	config := shm.Config[Settings]{
		Init: func(s *Settings) { s.Rate.Store(100); s.Burst.Store(10) },
		Mem:  shm.Mem{Perm: 0o660}, // the group may use it too
	}
	v, err := config.OpenOrCreate("example.settings")
	if err != nil {
		log.Fatal(err)
	}
	defer v.Close()
	defer v.Unlink()
	fmt.Println(v.Ptr().Rate.Load(), v.Ptr().Burst.Load())
	// Output: 100 10
}

// Two versions of a program that disagree about T do not corrupt each other's data.
func ExampleMismatchError() {
	type V1 struct{ Hits, Errors int64 }
	type V2 struct{ Hits, Errors int32 }
	v, err := shm.OpenOrCreate[V1]("example.metrics")
	if err != nil {
		log.Fatal(err)
	}
	defer v.Close()
	defer v.Unlink()

	_, err = shm.Open[V2]("example.metrics")
	var m *shm.MismatchError
	if errors.As(err, &m) {
		fmt.Printf("%s: there %s, here %s\n", m.What, m.Have, m.Want)
	}
	// Output: field Hits: there int64 at byte 0, here int32 at byte 0
}

// One counter per worker, each on a cache line of its own.
func ExampleSlice() {
	type counter struct {
		N atomic.Int64
		_ [120]byte
	}
	s, err := shm.NewSegment(8 * 128)
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	counters, err := shm.Slice[counter](s, 0, 8)
	if err != nil {
		log.Fatal(err)
	}
	counters[3].N.Add(5)
	fmt.Println(len(counters), s.Bytes()[3*128])
	// Output: 8 5
}

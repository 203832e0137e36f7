// Deadcode is linked as a user's program is: nothing in it converts a lock to an interface, so the
// linker may drop the locks' methods. It prints what Copyable says about each type.
package main

import (
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"

	"github.com/shmkit/shmkit/internal/abi"
)

type noCopy struct{}

func (*noCopy) Lock()   {}
func (*noCopy) Unlock() {}

type latch struct {
	_    noCopy
	word uint32
}

// spin is a lock of the user's own, without the marker.
type spin struct{ word uint32 }

func (s *spin) Lock()   { s.word = 1 }
func (s *spin) Unlock() { s.word = 0 }

var used spin

func main() {
	used.Lock()
	used.Unlock()
	show[atomic.Int64]()
	show[struct{ A atomic.Bool }]()
	show[struct{ A [3]struct{ B atomic.Uint32 } }]()
	show[struct{ L latch }]()
	show[struct{ _ [0]sync.Mutex }]()
	show[struct{ X, Y int64 }]()
	var l sync.Locker = &used // this one is seen: the program uses it as a lock
	l.Lock()
	show[struct{ S spin }]()
}

func show[T any]() {
	_, err := abi.Copyable(reflect.TypeFor[T]())
	fmt.Println(err)
}

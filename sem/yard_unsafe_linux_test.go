package sem_test

import (
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/shmkit/shmkit/internal/killstep"
	"github.com/shmkit/shmkit/internal/owner"
	"github.com/shmkit/shmkit/internal/park"
	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/sem"
	"github.com/shmkit/shmkit/shm"
)

// yard is what the processes of a test share that wait for each other.
type yard struct {
	Cond  sem.Cond
	Event sem.Event
	Once  sem.Once
	R     sem.RMutex
	Mu    sem.Mutex
	Sem   sem.Semaphore
	_     [96]byte
	Slow  atomic.Uint32 // how long the slices of new processes are, in milliseconds; 0: short
	Stop  atomic.Uint32
	Items atomic.Int64 // guarded by Mu
	Taken atomic.Int64
	Home  atomic.Int64 // who has returned
	Runs  [4]atomic.Int64
}

// The words of a yard that are watched when a victim is stepped.
const (
	condAt = iota
	eventAt
	onceAt
	rmutexAt
	depthAt
	muAt
	semAt
	bellAt
	words
)

func (y *yard) word(i int) *uint32 { return (*uint32)(unsafe.Add(unsafe.Pointer(y), 4*i)) }

func (y *yard) get(i int) uint32    { return atomic.LoadUint32(y.word(i)) }
func (y *yard) set(i int, w uint32) { atomic.StoreUint32(y.word(i), w) }
func (y *yard) words() []byte       { return unsafe.Slice((*byte)(unsafe.Pointer(y)), 4*words) }

func (y *yard) reset() {
	for i := range words {
		y.set(i, 0)
	}
	y.Items.Store(0)
	y.Taken.Store(0)
	y.Home.Store(0)
	y.Stop.Store(0)
	for i := range y.Runs {
		y.Runs[i].Store(0)
	}
}

// newYard makes a yard, and its handle for other processes. In both the slice is d.
func newYard(t testing.TB, d time.Duration) (*yard, string) {
	t.Helper()
	slice(t, d)
	v, err := shm.New[yard]()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	})
	v.Ptr().Slow.Store(uint32(d / time.Millisecond))
	return v.Ptr(), text(t, v)
}

func enterYard(args []string) *yard {
	v := new(shm.Var[yard])
	if err := v.UnmarshalText([]byte(args[0])); err != nil {
		panic(err)
	}
	y := v.Ptr()
	park.SetSlice(time.Duration(y.Slow.Load()) * time.Millisecond)
	return y
}

// parked is how many goroutines of this process wait on words: announced, and asleep or about to be.
func parked() int {
	b := make([]byte, 1<<20)
	n := 0
	for _, g := range strings.Split(string(b[:runtime.Stack(b, true)]), "\n\n") {
		if strings.Contains(g, "park.(*Waiter).Sleep(") || strings.Contains(g, "park.(*Waiter).Lead(") {
			n++
		}
	}
	return n
}

// allParked waits until n goroutines of this process are parked.
func allParked(t testing.TB, n int) {
	t.Helper()
	if !until(func() bool { return parked() == n }) {
		t.Fatalf("%d goroutines are parked, want %d", parked(), n)
	}
}

// act is what a victim does in a yard, between the marks of killstep.
var acts = map[string]func(y *yard) error{}

var _ = proctest.Register("act", func(args []string) int {
	y := enterYard(args)
	for i := range words { // learn not to spin, so that what is stepped is short
		coldSite(unsafe.Pointer(y.word(i)))
	}
	time.Sleep(2 * time.Millisecond) // until it may ask again whether a holder lives
	if err := acts[args[1]](y); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
})

func coldSite(p unsafe.Pointer) {
	m := twin(p)
	m.Lock()
	for range 8 {
		m.LockContext(ended())
	}
}

// sweep describes kills of one act.
func sweep(y *yard, text, act string, prepare func()) killstep.Config {
	return killstep.Config{
		Victim: "act", Args: []string{text, act}, Watch: y.words,
		Prepare: func() []string {
			y.reset()
			if prepare != nil {
				prepare()
			}
			return nil
		},
	}
}

// marked puts the marks around f.
func marked(f func() error) error {
	killstep.Begin()
	err := f()
	killstep.End()
	return err
}

// returns waits for one who must come home, and notes how long that took.
func (p *pace) returns(got <-chan error, what string) error {
	start := time.Now()
	select {
	case err := <-got:
		p.took(time.Since(start))
		return err
	case <-time.After(ever):
		return fmt.Errorf("%s never returns", what)
	}
}

// background runs f, and gives its result.
func background(f func() error) <-chan error {
	got := make(chan error, 1)
	go func() { got <- f() }()
	return got
}

func byOther(w uint32) bool { return w>>ownerAt != 0 && w>>ownerAt != owner.ID() }

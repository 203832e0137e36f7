package sem_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/owner"
	"github.com/shmkit/shmkit/internal/park"
	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/internal/segment"
	"github.com/shmkit/shmkit/sem"
	"github.com/shmkit/shmkit/shm"
)

// biglab is a Bounded with what the processes of a test share besides.
type biglab struct {
	*sem.Bounded
	*bigstage
	seg *segment.Segment // the same mapping, to see and scribble its words
}

type bigstage struct {
	Stage atomic.Uint32
	Stop  atomic.Uint32
	In    atomic.Int64
	Done  [8]atomic.Int64
	P     prize
}

// newBigLab makes a lab of n permits, and the handles of both parts for other processes.
func newBigLab(t testing.TB, n int) (l *biglab, texts []string) {
	t.Helper()
	stage, stageText := common[bigstage](t)
	b, err := sem.NewBounded(n)
	if err != nil {
		t.Fatal(err)
	}
	semText := text(t, b)
	l = &biglab{b, stage, bigSegment(semText)}
	t.Cleanup(func() {
		if err := l.seg.Close(); err != nil {
			t.Error(err)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return l, []string{stageText, semText}
}

// enterBig opens the lab of the first two args in another process, which lives as long as the process.
func enterBig(args []string) *biglab {
	park.SetSlice(short)
	stage := new(shm.Var[bigstage])
	if err := stage.UnmarshalText([]byte(args[0])); err != nil {
		panic(err)
	}
	b := new(sem.Bounded)
	if err := b.UnmarshalText([]byte(args[1])); err != nil {
		panic(err)
	}
	return &biglab{b, stage.Ptr(), bigSegment(args[1])}
}

func bigSegment(text string) *segment.Segment {
	s, err := segment.FromText([]byte(text), segment.Spec{Kind: abi.KindBounded, Size: abi.BoundedSize})
	if err != nil {
		panic(err)
	}
	return s
}

// bigHelper registers a function that does something in the lab.
func bigHelper(name string, f func(l *biglab, args []string)) bool {
	return proctest.Register(name, func(args []string) int { f(enterBig(args), args[2:]); return 0 })
}

// The words of a Bounded, as docs/layout.md has them.
func (l *biglab) words() []byte        { return l.seg.Payload() }
func (l *biglab) at(off int) *uint32   { return (*uint32)(unsafe.Pointer(&l.words()[off])) }
func (l *biglab) bell() *uint32        { return l.at(0) }
func (l *biglab) freed() *uint32       { return l.at(4) }
func (l *biglab) permit(i int) *uint64 { return (*uint64)(unsafe.Pointer(&l.words()[128+8*i])) }
func (l *biglab) waited() bool         { return atomic.LoadUint32(l.bell())&1 != 0 }

// home is where this process begins to look.
func (l *biglab) home() int { return int(uint64(owner.ID()) * uint64(l.Cap()) >> owner.Bits) }

// taken is the number of permits of a process, or of all.
func (l *biglab) taken(id uint32) (n int) {
	for i := range l.Cap() {
		if o := uint32(atomic.LoadUint64(l.permit(i))) >> ownerAt; o != 0 && (id == 0 || o == id) {
			n++
		}
	}
	return n
}

// reset gives the permits the owners that of names for them.
func (l *biglab) reset(of func(i int) uint32) {
	clear(l.words())
	for i := range l.Cap() {
		if of != nil {
			atomic.StoreUint64(l.permit(i), claim(of(i), 5))
		}
	}
	l.Stage.Store(0)
	l.Stop.Store(0)
}

// but says that all permits are this process's but one.
func (l *biglab) but(free int) func(int) uint32 {
	return func(i int) uint32 {
		if i == free {
			return 0
		}
		return owner.ID() << ownerAt
	}
}

// drop gives back what this process has.
func (l *biglab) drop() error {
	for l.taken(owner.ID()) > 0 {
		if err := l.Release(); err != nil {
			return err
		}
	}
	return nil
}

// warm makes this process learn not to spin for the permits.
func (l *biglab) warm() {
	m := twin(unsafe.Pointer(l.bell()))
	m.Lock()
	for range 8 {
		m.LockContext(ended())
	}
	time.Sleep(2 * time.Millisecond) // until it may ask again whether a holder lives
}

// surviveBig is what everybody expects after a death: all permits come back.
func (p *pace) surviveBig(l *biglab) error {
	n := l.Cap()
	for i := range n {
		if err := p.gain(fmt.Sprintf("permit %d of %d", i, n), l.Acquire); err != nil {
			return err
		}
	}
	if l.TryAcquire() {
		return fmt.Errorf("more than %d permits", n)
	}
	for range n {
		if err := l.Release(); err != nil {
			return err
		}
	}
	if v := l.Value(); v != n {
		return fmt.Errorf("%d permits, and nobody has the others of %d", v, n)
	}
	return nil
}

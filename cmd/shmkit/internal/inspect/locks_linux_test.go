package inspect

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/owner"
	"github.com/shmkit/shmkit/sem"
	"github.com/shmkit/shmkit/shm"
)

// The primitives as they lie in memory, to write any state into them.
type (
	mutex  struct{ mutex uint32 }
	bell   struct{ word uint32 }
	rmutex struct {
		rmutex mutex
		depth  uint32
	}
	rwmutex struct {
		rwmutex mutex
		drain   bell
		_       [120]byte
		readers [8]struct {
			cell uint64
			_    [120]byte
		}
	}
	semaphore struct {
		semaphore uint32
		watchers  bell
	}
	bounded struct {
		bounded uint32
		free    bell
		permits [64]uint64
	}
	event   struct{ event uint32 }
	cond    struct{ cond uint32 }
	onced   struct{ once uint32 }
	barrier struct {
		barrier uint64
		parties uint32
		room    bell
		_       [12]uint32
		places  [64]uint64
	}
	waitgroup struct {
		waitgroup  uint64
		over, room bell
		inside     [64]uint64
	}
)

// everything is a T with one of each, and some in arrays.
type everything struct {
	Hits  int64
	Mu    mutex
	Tree  struct{ Rec rmutex }
	RW    rwmutex
	_     [4]byte
	Sem   semaphore
	Pool  bounded
	Ready event
	Cond  cond
	Once  onced
	Meet  barrier
	Group waitgroup
	Rows  [2]struct {
		Key   int64
		Locks [2][3]mutex
	}
}

// squeezed has one space between words.
func squeezed(text string) string {
	var lines []string
	for l := range strings.Lines(text) {
		lines = append(lines, strings.Join(strings.Fields(l), " "))
	}
	return strings.Join(lines, "\n") + "\n"
}

// These words name this process, and one that is dead.
var (
	mine     = owner.ID() << ownerShift
	gone     = (owner.ID() ^ 1) << ownerShift
	alive    = func() string { return fmt.Sprintf("%08x, alive, %s", owner.ID(), me()) }
	deceased = fmt.Sprintf("%08x, dead", owner.ID()^1)
)

func cell(word, note uint32) uint64 { return uint64(note)<<noteShift | uint64(word) }

// showOf is what is said of an everything that has been filled in.
func showOf(t *testing.T, fill func(*everything)) string {
	t.Helper()
	v, err := shm.OpenOrCreate[everything]("app.everything")
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	defer v.Unlink()
	fill(v.Ptr())
	return shown(t, "app.everything")
}

func TestShowFree(t *testing.T) {
	text := showOf(t, func(e *everything) { e.Pool.bounded, e.Meet.parties = 8, 3 })
	want(t, text,
		"\nMu mutex at 8: free, nobody waits\n",
		"\nTree.Rec rmutex at 12: free, nobody waits\n",
		"\nRW rwmutex at 24: free, nobody waits\n",
		"\nSem semaphore at 1180: 0 tokens, nobody waits\n",
		"\nPool bounded semaphore at 1192: 8 of 8 permits free, nobody waits\n",
		"\nReady event at 1712: not set, nobody waits\n",
		"\nCond cond at 1716: nobody waits\n",
		"\nOnce once at 1720: not done\n",
		"\nMeet barrier at 1728: generation 0, filling, 0 of 3 arrived, nobody waits\n",
		"\nGroup waitgroup at 2304: count 0, 0 processes inside, nobody waits\n",
		"\nothers in arrays 12, at rest\n",
	)
	text = showOf(t, func(*everything) {})
	want(t, text, "\nPool bounded semaphore at 1192: not initialised\n", "\nMeet barrier at 1728: not initialised\n")
}

func TestShowHeld(t *testing.T) {
	text := showOf(t, func(e *everything) {
		e.Mu.mutex = mine | bitAsleep
		e.Tree.Rec.rmutex.mutex, e.Tree.Rec.depth = gone, 2
		e.RW.rwmutex.mutex = bitAbandoned
		e.RW.readers[0].cell, e.RW.readers[5].cell, e.RW.readers[7].cell = cell(mine, 2), cell(gone, 1), cell(mine, 3)
		e.Sem.semaphore, e.Sem.watchers.word = 1<<2|2, 1
		e.Pool.bounded, e.Pool.free.word = 4, 2|1
		e.Pool.permits[0], e.Pool.permits[1], e.Pool.permits[2], e.Pool.permits[5] = cell(mine, 99), cell(mine, 0), cell(0, 7), cell(mine, 0)
		e.Ready.event = 3<<2 | 2 | 1
		e.Cond.cond = 7<<2 | 1
		e.Once.once = mine | bitAsleep
		e.Meet.barrier, e.Meet.parties = 6<<barrierGen|barrierWaiting, 3
		e.Meet.places[0], e.Meet.places[1], e.Meet.places[2] = cell(mine, 6<<1|1), cell(gone, 0), cell(mine, 5<<1|1)
		e.Group.waitgroup = 8<<32 | 3
		e.Group.inside[63], e.Group.over.word = cell(mine, 2), 1
		e.Rows[1].Locks[1][2].mutex = gone | bitHandoff | bitAsleep | bitAbandoned
	})
	a := alive()
	want(t, text,
		"Mu mutex at 8: held by "+a+", others wait\n",
		"Tree.Rec rmutex at 12: held by "+deceased+", nobody waits, depth 2\n",
		"RW rwmutex at 24: held for reading, nobody waits, abandoned: a holder has died, and what it guards is not repaired\n"+
			"5 read locks: "+a+"\n1 read lock: "+deceased+"\n",
		"Sem semaphore at 1180: 1 token, nobody waits, watched\n",
		"Pool bounded semaphore at 1192: 2 of 4 permits free, others wait\n2 permits: "+a+"\n",
		"Ready event at 1712: set, others wait\n",
		"Cond cond at 1716: others wait\n",
		"Once once at 1720: being done by "+a+", others wait\n",
		"Meet barrier at 1728: generation 6, filling, 1 of 3 arrived, 1 joined, 1 on the way out of an earlier round, others wait\n"+
			"2 places: "+a+"\n1 place: "+deceased+"\n",
		"Group waitgroup at 2304: count 3, 1 process inside, others wait\n2 entries: "+a+"\n",
		"Rows[1].Locks[1][2] mutex at 2892: held by "+deceased+", others wait, hand-off to one that has waited long, abandoned: ",
		"others in arrays 11, at rest\n",
	)
}

func TestShowOther(t *testing.T) {
	text := showOf(t, func(e *everything) {
		e.RW.rwmutex.mutex, e.RW.drain.word = mine, 1
		e.RW.readers[3].cell = cell(gone, 1)
		e.Pool.bounded = 65
		e.Group.room.word = 1
		e.Once.once = 1
		e.Meet.barrier, e.Meet.parties = uint64(mine)<<noteShift|barrierRunning, 65
	})
	want(t, text,
		"RW rwmutex at 24: waiting for the readers to leave: taken for writing by "+alive()+", others wait\n1 read lock: "+deceased+"\n",
		"Pool bounded semaphore at 1192: corrupt: it says that it has 65 permits\n",
		"Once once at 1720: done\n",
		"Group waitgroup at 2304: count 0, 0 processes inside, others wait\n",
		"Meet barrier at 1728: corrupt: it says that it has 65 parties\n",
	)
	text = showOf(t, func(e *everything) {
		e.Meet.barrier, e.Meet.parties = uint64(gone)<<noteShift|4<<barrierGen|barrierRunning, 1
	})
	want(t, text, "generation 4, its action is run by "+deceased+", 0 of 1 arrived, nobody waits\n")
	text = showOf(t, func(e *everything) { e.Meet.barrier, e.Meet.parties, e.Meet.room.word = barrierBroken, 1, 1 })
	want(t, text, "generation 0, broken until Reset, 0 of 1 arrived, others wait\n")
}

// The package's own types are found by what their fields are called, and there is no key for what does not exist.
func TestKnown(t *testing.T) {
	types := []reflect.Type{
		reflect.TypeFor[sem.Mutex](), reflect.TypeFor[sem.RMutex](), reflect.TypeFor[sem.RWMutex](), reflect.TypeFor[sem.Semaphore](),
		reflect.TypeFor[sem.BoundedSemaphore](), reflect.TypeFor[sem.Event](), reflect.TypeFor[sem.Cond](), reflect.TypeFor[sem.Once](),
		reflect.TypeFor[sem.Barrier](), reflect.TypeFor[sem.WaitGroup](),
	}
	if len(known) != len(types) {
		t.Errorf("%d are known, and there are %d types", len(known), len(types))
	}
	for _, typ := range types {
		f, err := abi.Shareable(typ)
		if err != nil {
			t.Fatal(err)
		}
		it, err := abi.Parse(f.Format)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := known[fieldsOf(it)]; !ok {
			t.Errorf("%v is not known: %q", typ, fieldsOf(it))
		}
	}
}

// Formats and words that a stranger could write.
func TestHostileLocks(t *testing.T) {
	ones := bytes.Repeat([]byte{0xff}, most)
	of := func(v any) string {
		f, err := abi.Shareable(reflect.TypeOf(v))
		if err != nil {
			t.Fatal(err)
		}
		return f.Format
	}
	all := of(everything{})
	for format, want := range map[string]string{
		all:                                         "Mu mutex at 8: held by ",
		"<(100000000000)T{I:mutex:}":                "not shown there are more than these\n",
		"<(1,1,1)T{I:mutex:}":                       "T[0][0][0] mutex at 0:",
		"<(1000,1000000)T{T{I:mutex:}:a:}":          "T[0][7].a mutex at 28:",
		"<T{1099511627700xT{I:mutex:}:a:}":          "a mutex: beyond the end",
		"<T{(0)T{I:mutex:}:a:q:b:}":                 "bytes 0",
		"<T{T{T{Q:mutex:}:rmutex:I:depth:}:a:}":     "a rmutex at 0: free",
		"<T{I:bounded:T{q:x:}:free:(64)Q:permits:}": "T bounded semaphore at 0: corrupt",
		"nonsense":                                  "bytes 0",
		"<" + strings.Repeat("T{", 60) + "T{I:mutex:}" + strings.Repeat(":x:}", 60): "x.x.x mutex at 0:",
	} {
		o := Object{Format: format, Payload: ones, Users: &users{}}
		var b bytes.Buffer
		printVar(&b, o)
		if !strings.Contains(squeezed(b.String()), want) {
			t.Errorf("%.60s: it does not say %q:\n%.2000s", format, want, squeezed(b.String()))
		}
		if n := b.Len(); n > 1<<20 {
			t.Errorf("%.60s: %d bytes of text", format, n)
		}
	}
}

// What lies behind the part that every printer sees is shown too.
func TestShowFarBehind(t *testing.T) {
	type far struct {
		_  [most]byte
		Mu sem.Mutex
	}
	v, err := shm.OpenOrCreate[far]("app.far")
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	defer v.Unlink()
	v.Ptr().Mu.Lock()
	want(t, shown(t, "app.far"), fmt.Sprintf("Mu mutex at %d: held by %s, nobody waits\n", most, alive()))
}

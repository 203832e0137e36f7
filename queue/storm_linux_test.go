package queue_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/killstep"
	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/queue"
	"github.com/shmkit/shmkit/shm"
)

// A storm: eight processes, four that put and four that get, are killed at random and started again, while a ledger notes every item. In a round
// some are killed; then all are, what is left is taken, and the books have to balance. The long form is
//
//	SHMKIT_KILLS=3000 go test -run '^TestStorm$' -timeout 1h ./queue     about a minute for each of the three
const (
	stormSides = 4
	stormItems = 1 << 16 // of one that puts, in a round
	stormKills = 60      // in a round
	stormCap   = 32
)

// stormBook is the ledger, in memory that no death of a process takes along.
type stormBook struct {
	Got  atomic.Int64
	Rows [stormSides]stormRow
}

// stormRow is what one that puts is about to put, and has put; and how often each came.
type stormRow struct {
	Next, Done atomic.Int64
	Seen       [stormItems]atomic.Uint32
	Unsure     [stormItems]atomic.Uint32 // it was killed between the two: it may have put that
}

// stormItem is an item that is long or short, and contradicts itself when it is torn.
type stormItem struct {
	From, N int64
	Text    string
}

func stormText(n int64) string {
	sizes := []int{0, 10, 100, 200, 300, 3000, 40_000}
	return strings.Repeat(string(rune('a'+n%26)), sizes[n*7%int64(len(sizes))])
}

// stormKind is one kind of queue.
type stormKind struct {
	name  string
	tasks bool
	make  func() (stormer, error)
	open  func(text string) (stormer, error)
}

// stormer is what a storm does with a queue.
type stormer interface {
	put(ctx context.Context, from, n int64) error
	get(ctx context.Context, note func(from, n int64, attempt int) error) error
	text() ([]byte, error)
	left() int // what is not finished
	close() error
	unlink() error
}

type stormQueue[T any] struct {
	q   *queue.Queue[T]
	in  func(from, n int64) T
	out func(v T) (from, n int64, err error)
}

func (s stormQueue[T]) put(ctx context.Context, from, n int64) error {
	return s.q.Put(ctx, s.in(from, n))
}
func (s stormQueue[T]) get(ctx context.Context, note func(from, n int64, attempt int) error) error {
	v, err := s.q.Get(ctx)
	if err != nil {
		return err
	}
	from, n, err := s.out(v)
	if err != nil {
		return err
	}
	return note(from, n, 1)
}
func (s stormQueue[T]) text() ([]byte, error) { return s.q.MarshalText() }
func (s stormQueue[T]) close() error          { return s.q.Close() }
func (s stormQueue[T]) unlink() error         { return s.q.Unlink() }
func (s stormQueue[T]) left() int {
	x := s.q.Stats()
	return s.q.Len() + x.Writing + x.Leased + x.Returned
}

type stormTasks struct {
	q *queue.JoinableQueue[stormItem]
}

func (s stormTasks) put(ctx context.Context, from, n int64) error {
	return s.q.Put(ctx, stormIn(from, n))
}
func (s stormTasks) get(ctx context.Context, note func(from, n int64, attempt int) error) error {
	t, err := s.q.Get(ctx)
	if err != nil {
		return err
	}
	defer t.Fail()
	from, n, err := stormOut(t.Value)
	if err != nil {
		return err
	}
	if t.Attempt == 1 && n%50 == 0 {
		return nil // fails
	}
	if err := note(from, n, t.Attempt); err != nil {
		return err
	}
	return t.Done()
}
func (s stormTasks) text() ([]byte, error) { return s.q.MarshalText() }
func (s stormTasks) close() error          { return s.q.Close() }
func (s stormTasks) unlink() error         { return s.q.Unlink() }
func (s stormTasks) left() int             { return s.q.Unfinished() + s.q.Stats().Writing }

func stormIn(from, n int64) stormItem { return stormItem{from, n, stormText(n)} }

func stormOut(v stormItem) (from, n int64, err error) {
	if v.From < 0 || v.From >= stormSides || v.N < 0 || v.N >= stormItems || v.Text != stormText(v.N) {
		return 0, 0, fmt.Errorf("torn: %d, %d and %d bytes", v.From, v.N, len(v.Text))
	}
	return v.From, v.N, nil
}

func stormNumbers(q *queue.Queue[int64], err error) (stormer, error) {
	return stormQueue[int64]{q, func(from, n int64) int64 { return from<<32 | n }, func(v int64) (int64, int64, error) {
		return stormOut(stormItem{v >> 32, v & (1<<32 - 1), stormText(v & (1<<32 - 1))})
	}}, err
}

func stormTexts(q *queue.Queue[stormItem], err error) (stormer, error) {
	return stormQueue[stormItem]{q, stormIn, stormOut}, err
}

func stormOfTasks(q *queue.JoinableQueue[stormItem], err error) (stormer, error) {
	return stormTasks{q}, err
}

var stormKinds = []stormKind{
	{"plain", false,
		func() (stormer, error) { return stormNumbers(queue.Config[int64]{Cap: stormCap}.Create("storm")) },
		func(text string) (stormer, error) {
			q := new(queue.Queue[int64])
			return stormNumbers(q, q.UnmarshalText([]byte(text)))
		}},
	{"encoded", false,
		func() (stormer, error) { return stormTexts(queue.Config[stormItem]{Cap: stormCap}.Create("storm")) },
		func(text string) (stormer, error) {
			q := new(queue.Queue[stormItem])
			return stormTexts(q, q.UnmarshalText([]byte(text)))
		}},
	{"tasks", true,
		func() (stormer, error) {
			return stormOfTasks(queue.JoinableConfig[stormItem]{Cap: stormCap}.Create("storm"))
		},
		func(text string) (stormer, error) {
			q := new(queue.JoinableQueue[stormItem])
			return stormOfTasks(q, q.UnmarshalText([]byte(text)))
		}},
}

func stormKindOf(name string) stormKind {
	for _, k := range stormKinds {
		if k.name == name {
			return k
		}
	}
	panic(name)
}

// note counts an item. One that comes once more says so, if it is a task; else none does.
func (b *stormBook) note(from, n int64, attempt int) error {
	b.Got.Add(1)
	if before := b.Rows[from].Seen[n].Add(1) - 1; before > 0 && attempt == 1 {
		return fmt.Errorf("item %d of %d comes once more, and does not say so", n, from)
	}
	return nil
}

// puts goes on behind the last put that its predecessor may have made.
func (r *stormRow) puts(ctx context.Context, s stormer, me int64) error {
	if next := r.Next.Load(); next > r.Done.Load() {
		r.Unsure[next-1].Store(1)
	}
	for n := r.Next.Load(); n < stormItems; n++ {
		r.Next.Store(n + 1)
		if err := s.put(ctx, me, n); err != nil {
			return err
		}
		r.Done.Store(n + 1)
		if n%64 == 0 {
			time.Sleep(100 * time.Microsecond) // so that the ledger lasts for a round
		}
	}
	return nil
}

var _ = proctest.Register("storm", func(args []string) int {
	err := func() error {
		var me int64
		fmt.Sscan(args[2], &me)
		s, err := stormKindOf(args[0]).open(proctest.Hear())
		if err != nil {
			return err
		}
		v := new(shm.Var[stormBook])
		if err := v.UnmarshalText([]byte(proctest.Hear())); err != nil {
			return err
		}
		book, ctx := v.Ptr(), context.Background()
		if args[1] == "put" {
			if err := book.Rows[me].puts(ctx, s, me); err != nil {
				return err
			}
			proctest.Hear() // for ever
		}
		for {
			if err := s.get(ctx, book.note); err != nil {
				return err
			}
		}
	}()
	fmt.Fprintln(os.Stderr, "storm:", err)
	return 1
})

func TestStorm(t *testing.T) {
	for _, k := range stormKinds {
		t.Run(k.name, func(t *testing.T) { stormOver(t, k) })
	}
}

func stormOver(t *testing.T, k stormKind) {
	s, err := k.make()
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	defer s.unlink()
	memory := stormMemory(t)
	for left := killstep.Budget(stormKills); left > 0; left -= stormKills {
		stormRound(t, k, s, min(left, stormKills))
		if now := stormMemory(t); now != memory {
			t.Fatalf("with nothing in it the queue takes %d bytes, at first it took %d", now, memory)
		}
		if t.Failed() {
			return
		}
	}
}

// stormMemory is what the queue's file takes.
func stormMemory(t *testing.T) int64 {
	t.Helper()
	var st syscall.Stat_t
	if err := syscall.Stat(filepath.Join(os.Getenv("SHMKIT_DIR"), "storm"), &st); err != nil {
		t.Fatal(err)
	}
	return st.Blocks * 512
}

func stormRound(t *testing.T, k stormKind, s stormer, kills int) {
	v, err := shm.New[stormBook]()
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	book := v.Ptr()
	ledger, err := v.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	text, err := s.text()
	if err != nil {
		t.Fatal(err)
	}
	start := func(i int) *proctest.Proc {
		p := proctest.Start(t, "storm", k.name, []string{"put", "get"}[i/stormSides], fmt.Sprint(i%stormSides))
		p.Send(string(text))
		p.Send(string(ledger))
		return p
	}
	var procs [2 * stormSides]*proctest.Proc
	for i := range procs {
		procs[i] = start(i)
	}
	room := func() bool {
		for i := range book.Rows {
			if book.Rows[i].Next.Load() > stormItems*3/4 {
				return false
			}
		}
		return true
	}
	killed := [2]int{}
	for range kills {
		time.Sleep(time.Duration(rand.IntN(4000)) * time.Microsecond)
		i, got := rand.IntN(len(procs)), book.Got.Load()
		procs[i].Kill()
		killed[i/stormSides]++
		procs[i] = start(i)
		for begin := time.Now(); room() && book.Got.Load() < got+5; time.Sleep(200 * time.Microsecond) {
			if time.Since(begin) > 20*time.Second {
				t.Fatalf("after %v kills nothing flows: %d left", killed, s.left())
			}
		}
		if !room() {
			break
		}
	}
	for i := range procs {
		procs[i].Kill()
		killed[i/stormSides]++
	}
	stormDrain(t, s, book)
	stormBalance(t, k, book, killed)
}

// stormDrain takes what is left, until nothing is unfinished.
func stormDrain(t *testing.T, s stormer, book *stormBook) {
	for begin := time.Now(); ; {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		err := s.get(ctx, book.note)
		cancel()
		switch {
		case err == nil:
		case err != io.EOF && ctx.Err() == nil:
			t.Fatal(err)
		case s.left() == 0:
			return
		case time.Since(begin) > 60*time.Second:
			t.Fatalf("%d items are left, and nobody gets them", s.left())
		}
	}
}

// stormBalance says what may be missing: of a Queue what a killed consumer had been handed, one for each kill; of tasks nothing.
func stormBalance(t *testing.T, k stormKind, book *stormBook, killed [2]int) {
	t.Helper()
	missing, again, total := 0, 0, int64(0)
	for p := range book.Rows {
		row := &book.Rows[p]
		next := row.Next.Load()
		if next > row.Done.Load() {
			row.Unsure[next-1].Store(1)
		}
		total += next
		for n := range next {
			seen := int(row.Seen[n].Load())
			if seen == 0 && row.Unsure[n].Load() == 0 {
				missing++
			}
			again += max(seen-1, 0)
		}
	}
	most := killed[1]
	if k.tasks {
		most = 0
	}
	if missing > most {
		t.Errorf("%d items are missing, of at most %d", missing, most)
	}
	if again > 0 && !k.tasks || again > killed[1] {
		t.Errorf("%d items came once more", again)
	}
	t.Logf("%d kills of who puts, %d of who gets: %d items, %d missing, %d once more", killed[0], killed[1], total, missing, again)
}

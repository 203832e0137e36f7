package park

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/shmkit/shmkit/internal/futex"
	"github.com/shmkit/shmkit/internal/owner"
	"github.com/shmkit/shmkit/internal/proctest"
)

// dwell keeps a goroutine asleep on a word, as a primitive does, until ctx ends.
func dwell(ctx context.Context, word *uint32, look Looker) {
	w := Join(ctx, word, look)
	defer w.Leave()
	for w.Lead() && w.Sleep(0) != Done {
	}
}

// However many sleep, on words of however many segments: one tick a slice.
func TestOneCarrier(t *testing.T) {
	const slice, slices = 10 * time.Millisecond, 30
	for _, n := range []int{1, 2, 40} {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			setSlice(t, slice)
			pages := []*page{newPage(t), newPage(t), newPage(t)}
			ctx, cancel := context.WithCancel(bg)
			var wg sync.WaitGroup
			for i := range n {
				wg.Go(func() { dwell(ctx, pages[i%3].word(i), nobody{}) })
			}
			sleepers(t, n)
			before, start := Ticks(), time.Now()
			time.Sleep(slices * slice)
			ticks, passed := Ticks()-before, float64(time.Since(start)/slice)
			if float64(ticks) > 1.2*passed+3 || ticks < slices/4 {
				t.Errorf("%d ticks in %.0f slices", ticks, passed)
			}
			t.Logf("%d ticks in %.0f slices", ticks, passed)
			cancel()
			wg.Wait()
			empty(t)
		})
	}
}

// Carriers that come and go do not put the look off, nor multiply it.
func TestCarriersComeAndGo(t *testing.T) {
	const slice, slices = 10 * time.Millisecond, 30
	setSlice(t, slice)
	p := newPage(t)
	ctx, cancel := context.WithCancel(bg)
	var wg sync.WaitGroup
	wg.Go(func() { dwell(ctx, p.word(0), nobody{}) })
	wg.Go(func() {
		for ctx.Err() == nil {
			got := lie(bg, p.word(1), nobody{})
			time.Sleep(slice / 3)
			change(p.word(1))
			<-got
			atomic.StoreUint32(p.word(1), 0)
		}
	})
	before, start := Ticks(), time.Now()
	time.Sleep(slices * slice)
	ticks, passed := Ticks()-before, float64(time.Since(start)/slice)
	cancel()
	wg.Wait()
	if float64(ticks) > 1.2*passed+3 || ticks < slices/4 {
		t.Errorf("%d ticks in %.0f slices", ticks, passed)
	}
	t.Logf("%d ticks in %.0f slices", ticks, passed)
	empty(t)
}

// The carrier leaves and nobody new comes: a timer looks for those who sleep on.
func TestBackup(t *testing.T) {
	setSlice(t, 20*time.Millisecond)
	p := newPage(t)
	ctx, cancel := context.WithCancel(bg)
	defer cancel()
	carrier := lie(ctx, p.word(0), nobody{})
	sleepers(t, 1)
	untimed := []<-chan Wake{lie(bg, p.word(1), nobody{}), lie(ctx, p.word(2), nobody{})}
	ends(t, carrier, Look) // it does not sleep again
	sleepers(t, 2)
	for i, got := range untimed {
		still(t, got)
		atomic.AddUint32(p.word(1+i), 1) // and dies before it wakes anybody
		ends(t, got, Look)
	}
	empty(t)
}

// Holder: becomes a member, writes its name into word 0, and waits to be killed.
var _ = proctest.Register("holder", func(args []string) int {
	p, err := mapPath(args[0], true)
	if err != nil {
		proctest.Say(err.Error())
		return 1
	}
	atomic.StoreUint32(p.word(0), owner.Word)
	proctest.Say(strconv.Itoa(int(owner.ID())))
	proctest.Hear()
	return 0
})

func startHolder(t *testing.T, p *page) (*proctest.Proc, uint32) {
	t.Helper()
	holder := proctest.Start(t, "holder", p.path())
	said := holder.Recv()
	id, err := strconv.Atoi(said)
	if err != nil {
		t.Fatal(said)
	}
	return holder, uint32(id)
}

// Carrier, untimed or polled: who waits for a dead process is told to look, and who waits for a stopped one not.
func TestDeadHolder(t *testing.T) {
	for _, crowd := range []int{0, 1, maxDirect} {
		t.Run(strconv.Itoa(crowd), func(t *testing.T) {
			setSlice(t, 10*time.Millisecond)
			p := newPage(t)
			holder, _ := startHolder(t, p)
			ctx, cancel := context.WithCancel(bg)
			var wg sync.WaitGroup
			for i := range crowd {
				wg.Go(func() { dwell(ctx, p.word(10+i), nobody{}) })
			}
			sleepers(t, crowd)
			looked := make(chan Wake, 1)
			go func() {
				w := Join(bg, p.word(0), namer{p.word(0)})
				defer w.Leave()
				for {
					got := w.Sleep(atomic.LoadUint32(p.word(0)))
					if n := (namer{p.word(0)}); n.Stale(new(Tick)) || got != Look || crowd > 0 {
						looked <- got
						return
					}
				}
			}()
			sleepers(t, crowd+1)
			holder.Stop()
			still(t, looked)
			still(t, looked)
			holder.Zombie()
			ends(t, looked, Look)
			cancel()
			wg.Wait()
			empty(t)
		})
	}
}

// A tick asks about each holder once, and remembers both answers.
func TestTickAsksOnce(t *testing.T) {
	p, other := newPage(t), newPage(t)
	holder, id := startHolder(t, p)
	at := namer{p.word(0)}
	alive, dead := new(Tick), new(Tick)
	if at.Stale(alive) {
		t.Error("dead")
	}
	holder.Zombie()
	for range 2 {
		if !at.Stale(dead) {
			t.Error("alive")
		}
	}
	if at.Stale(alive) || len(alive.asked) != 1 {
		t.Error("asked again")
	}
	atomic.StoreUint32(other.word(0), id<<3)
	if !(namer{other.word(0)}).Stale(alive) {
		t.Error("the same id in another segment is another question")
	}
	heap, mine := new(uint32), p.word(5)
	*heap = id << 3
	atomic.StoreUint32(mine, owner.Word)
	for what, w := range map[string]*uint32{"on the heap": heap, "mine": mine, "nobody": p.word(6)} {
		if (namer{w}).Stale(new(Tick)) {
			t.Errorf("%s: dead", what)
		}
	}
}

// The file is cut short under the sleepers: all are told to look, and nothing crashes.
func TestMemoryGoes(t *testing.T) {
	for _, crowd := range []int{0, 2, maxDirect + 2} {
		t.Run(strconv.Itoa(crowd), func(t *testing.T) {
			setSlice(t, 10*time.Millisecond)
			p, safe := newPage(t), newPage(t)
			ctx, cancel := context.WithCancel(bg)
			var wg sync.WaitGroup
			for i := range crowd {
				wg.Go(func() { dwell(ctx, safe.word(i), nobody{}) })
			}
			sleepers(t, crowd)
			words := []*uint32{p.word(0), p.word(1), p.word(2)}
			got := make([]<-chan Wake, len(words))
			for i, w := range words {
				got[i] = lie(ctx, w, namer{w})
			}
			time.Sleep(3 * time.Millisecond) // to sleep, most of them
			if err := unix.Ftruncate(p.fd, 0); err != nil {
				t.Fatal(err)
			}
			for _, g := range got {
				ends(t, g, Look, Woken)
			}
			for i := range 3 { // nor when it begins with such a word
				ends(t, lie(ctx, words[i], namer{words[i]}), Look, Woken)
			}
			cancel()
			wg.Wait()
			empty(t)
		})
	}
}

// A carrier that is woken for nothing, again and again, long before its slice is over, looks all the same when it
// is: alone, and among others.
func TestWokenTooOften(t *testing.T) {
	for _, others := range []int{0, 2} {
		setSlice(t, 20*time.Millisecond)
		p := newPage(t)
		ctx, cancel := context.WithCancel(bg)
		looked := make(chan bool, 1)
		go func() {
			w := Join(bg, p.word(0), nobody{})
			defer w.Leave()
			for w.Sleep(0) != Look {
			}
			looked <- true
		}()
		sleepers(t, 1)
		var wg sync.WaitGroup
		for i := range others {
			wg.Go(func() { dwell(ctx, p.word(1+i), nobody{}) })
		}
		end := time.After(20 * time.Second)
		for in := true; in; {
			futex.Wake(p.word(0), 1)
			select {
			case <-looked:
				in = false
			case <-end:
				t.Fatal("it never looks")
			case <-time.After(200 * time.Microsecond):
			}
		}
		cancel()
		wg.Wait()
		empty(t)
	}
}

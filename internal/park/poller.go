package park

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/shmkit/shmkit/internal/futex"
)

// perPoller is how many words share one thread: futex_waitv would take 127 beside the control word, but
// arming costs 0.3 µs a word, and whoever is woken pays for arming all.
const perPoller = 63

// scan is how often a poller looks at its words where the kernel has no futex_waitv.
const scan = 5 * time.Millisecond

// linger is how long a poller without words keeps its thread.
const linger = time.Second

var pollers pollerSet

type pollerSet struct {
	mu  sync.Mutex
	all []*poller
}

type poller struct {
	mu       sync.Mutex
	words    []polledWord
	control  uint32 // a private futex word: bumped when words has changed
	inKernel atomic.Bool
	ended    bool
	vec      [perPoller + 1]futex.Word
}

type polledWord struct {
	w    *Waiter // nil once it has left
	word *uint32 // for the kernel's eyes only once w is nil: it may be unmapped
	old  uint32
}

// add gives w to a poller with room, or to a new one.
func (s *pollerSet) add(w *Waiter, old uint32) *poller {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.all {
		if p.tryAdd(w, old) {
			return p
		}
	}
	p := &poller{}
	p.tryAdd(w, old)
	s.all = append(s.all, p)
	go p.run()
	return p
}

func (s *pollerSet) forget(p *poller) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, x := range s.all {
		if x == p {
			s.all = append(s.all[:i], s.all[i+1:]...)
			return
		}
	}
}

func (p *poller) tryAdd(w *Waiter, old uint32) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended || len(p.words) == perPoller {
		return false
	}
	p.words = append(p.words, polledWord{w, w.word, old})
	p.rearm()
	return true
}

// remove takes w out; false says that it was signalled and so taken out already. After it nobody touches
// the word.
func (p *poller) remove(w *Waiter) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.words {
		if p.words[i].w == w {
			p.words[i].w = nil
			p.rearm()
			return true
		}
	}
	return false
}

// rearm makes a poller that sleeps take up the new words. A burst of changes costs one wake-up.
func (p *poller) rearm() {
	atomic.AddUint32(&p.control, 1)
	if p.inKernel.CompareAndSwap(true, false) {
		futex.WakePrivate(&p.control)
	}
}

// run is the poller's thread.
func (p *poller) run() {
	idle := time.Time{}
	for {
		n, end := p.arm(&idle)
		if end {
			pollers.forget(p)
			return
		}
		if !futex.HaveMany() {
			time.Sleep(scan)
			continue
		}
		limit := time.Duration(0)
		if n == 1 {
			limit = linger
		}
		i, err := futex.WaitMany(p.vec[:n], limit)
		p.inKernel.Store(false)
		switch {
		case err == nil && i > 0:
			p.signal(i - 1)
		case err != nil && err != futex.ErrChanged && err != futex.ErrTimeout:
			p.signalAll() // a word that is no memory any more: its waiter has to find out
		}
	}
}

// arm drops who has left, signals whoever's word has changed (after futex_waitv every word is suspect: a
// second wake-up may have been spent on this vector), and fills the vector with the old values of the
// others, so that a change from now on ends the wait at once.
func (p *poller) arm(idle *time.Time) (n int, end bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.inKernel.Store(true)
	keep := p.words[:0]
	p.vec[0] = futex.Private(&p.control, p.control)
	for _, x := range p.words {
		switch {
		case x.w == nil:
		case changed(x):
			x.w.poke(polled)
		default:
			keep = append(keep, x)
			p.vec[len(keep)] = futex.Shared(x.word, x.old)
		}
	}
	clear(p.words[len(keep):])
	p.words = keep
	if len(keep) > 0 {
		*idle = time.Time{}
		return len(keep) + 1, false
	}
	if idle.IsZero() {
		*idle = time.Now()
	}
	p.ended = time.Since(*idle) >= linger
	return 1, p.ended
}

func changed(x polledWord) bool {
	v, ok := peek(x.word)
	return !ok || v != x.old
}

// signal answers a wake-up of the i-th word. If its waiter has left meanwhile, the wake-up was meant for
// somebody else: it is passed on. The kernel names the highest of several words that were woken; of those
// below, one whose waiter has left may have eaten a wake-up too. (One whose waiter is there is covered by
// arm: its word has changed, or has come back to what its waiter expects.)
func (p *poller) signal(i int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if i >= len(p.words) {
		return
	}
	for j := range p.words[:i+1] {
		if x := &p.words[j]; x.w == nil {
			futex.Wake(x.word, 1)
		}
	}
	if x := &p.words[i]; x.w != nil {
		x.w.poke(polled)
		x.w = nil
	}
}

func (p *poller) signalAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.words {
		if w := p.words[i].w; w != nil {
			w.poke(polled)
			p.words[i].w = nil
		}
	}
}

package park

import (
	"sync"
	"unsafe"
)

// The lot: one queue of goroutines for each word that somebody of this process waits for, in shards by
// address. A segment is mapped once in a process, so an address names a word.
const shards = 64

type shard struct {
	mu     sync.Mutex
	queues map[*uint32]*queue
}

type queue struct {
	leader      *Waiter
	first, last *Waiter // followers, oldest first
}

var lot [shards]shard

func shardOf(word *uint32) *shard {
	h := uint64(uintptr(unsafe.Pointer(word))>>2) * 0x9e3779b97f4a7c15
	return &lot[h>>58]
}

func (s *shard) enter(w *Waiter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queues[w.word]
	if q == nil {
		if s.queues == nil {
			s.queues = make(map[*uint32]*queue)
		}
		w.leading = true
		s.queues[w.word] = &queue{leader: w}
		return
	}
	w.leading, w.queued, w.prev, w.next = false, true, q.last, nil
	if q.last == nil {
		q.first = w
	} else {
		q.last.next = w
	}
	q.last = w
}

// leave takes w out of the lot. A follower may leave without ever having led, because what it waited for
// came while it joined; it may even have been appointed meanwhile. A leader hands its leadership to the
// oldest follower, or ends the queue. Until this moment it leads, so that no newcomer believes itself
// covered by nobody.
func (s *shard) leave(w *Waiter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queues[w.word]
	if w.queued {
		q.drop(w)
		return
	}
	if q == nil || q.leader != w { // it has withdrawn
		return
	}
	f := q.first
	if f == nil {
		delete(s.queues, w.word)
		return
	}
	q.drop(f)
	q.leader = f
	f.handed, f.hand = w.hand, w.hand
	f.ready <- struct{}{}
}

// withdraw takes a follower out of the queue whose context has ended, and reports false; if it was
// appointed meanwhile it leads now, and reports true: it has to pass on what it was appointed for.
func (s *shard) withdraw(w *Waiter) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !w.queued {
		<-w.ready
		w.leading = true
		return true
	}
	s.queues[w.word].drop(w)
	return false
}

// evict appoints the followers of word that wait for look, out of their turn and beside the leader: what look waits for
// has ended for it alone, and the leader may have no reason to leave.
func evict(word *uint32, look Looker) {
	s := shardOf(word)
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queues[word]
	if q == nil {
		return
	}
	for w := q.first; w != nil; {
		next := w.next
		if w.look == look {
			q.drop(w)
			w.ready <- struct{}{}
		}
		w = next
	}
}

func (q *queue) drop(w *Waiter) {
	if w.prev == nil {
		q.first = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		q.last = w.prev
	} else {
		w.next.prev = w.prev
	}
	w.prev, w.next, w.queued = nil, nil, false
}

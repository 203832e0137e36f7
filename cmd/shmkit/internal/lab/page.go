package lab

import (
	"os"
	"sync/atomic"
	"time"
)

// pageSize is the size of the memory that a lab shares with its workers.
//
//	+--------+-------------+-------------+-- … --+
//	| phase  | counter 0   | counter 1   |       |
//	+--------+-------------+-------------+-- … --+
//	0        128           256
//
// Behind each counter are two more words of the same worker, since when it has
// been waiting and for how long at most. Each worker's words have two cache
// lines to themselves: a counter that shared a line with another worker's would
// measure that sharing.
const (
	pageSize    = 4096
	wordSpacing = 128
	maxWorkers  = pageSize/wordSpacing - 1
)

// The phases of a sample. The lab stores them, the workers load them.
const (
	warming uint64 = iota
	measuring
	stopped
)

// page is that memory, as one process sees it.
type page struct {
	file *os.File // for the workers to inherit; nil in a worker
	mem  []byte
}

// phase is the word by which the lab tells the workers where a sample stands.
func (p *page) phase() *atomic.Uint64 { return p.word(0) }

// counter is the word in which worker i counts what it has done.
func (p *page) counter(i int) *atomic.Uint64 { return p.word((1 + i) * wordSpacing) }

// since is the moment, by the clock of monotonic, at which worker i began to
// wait; 0 while it does not.
func (p *page) since(i int) *atomic.Uint64 { return p.word((1+i)*wordSpacing + 8) }

// longest is how many nanoseconds worker i has waited at most.
func (p *page) longest(i int) *atomic.Uint64 { return p.word((1+i)*wordSpacing + 16) }

// alive reports whether worker i has counted something, or waits to.
func (p *page) alive(i int) bool { return p.counter(i).Load() > 0 || p.since(i).Load() > 0 }

// counts reads the first n counters.
func (p *page) counts(n int) []uint64 {
	c := make([]uint64, n)
	for i := range c {
		c[i] = p.counter(i).Load()
	}
	return c
}

// worst is the longest that one of the first n workers has waited, or has been
// waiting so far.
func (p *page) worst(n int) time.Duration {
	var worst uint64
	for i, now := 0, monotonic(); i < n; i++ {
		if since := p.since(i).Load(); since > 0 && since < now {
			worst = max(worst, now-since)
		}
		worst = max(worst, p.longest(i).Load())
	}
	return time.Duration(worst)
}

// newPage makes a page.
func newPage() (*page, error) {
	f, err := sharedFile(pageSize)
	if err != nil {
		return nil, err
	}
	p, err := openPage(f)
	if err != nil {
		f.Close()
		return nil, err
	}
	p.file = f
	return p, nil
}

// openPage maps the page that lies in f.
func openPage(f *os.File) (*page, error) {
	mem, err := mapFile(f, pageSize)
	if err != nil {
		return nil, err
	}
	return &page{mem: mem}, nil
}

// close unmaps the page; words of it must not be used any more.
func (p *page) close() {
	unmap(p.mem)
	if p.file != nil {
		p.file.Close()
	}
}

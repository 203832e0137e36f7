package lab

import (
	"os"
	"sync/atomic"
)

// pageSize is the size of the memory that a lab shares with its workers.
//
//	+--------+-------------+-------------+-- … --+
//	| phase  | counter 0   | counter 1   |       |
//	+--------+-------------+-------------+-- … --+
//	0        128           256
//
// Each word has two cache lines to itself: a counter that shared a line with
// another worker's would measure that sharing.
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

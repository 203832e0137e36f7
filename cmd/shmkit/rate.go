package main

import (
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// rateEvery is how often a rate is shown.
const rateEvery = 200 * time.Millisecond

// rate shows how many messages went by, and how fast, to a person.
type rate struct {
	n    atomic.Uint64
	once sync.Once
	quit chan struct{} // nil: nobody looks
	done chan struct{}
}

// newRate shows nothing unless w is a terminal.
func newRate(w io.Writer, what string) *rate {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return new(rate)
	}
	r := &rate{quit: make(chan struct{}), done: make(chan struct{})}
	bar := progressbar.NewOptions64(-1, progressbar.OptionSetWriter(f), progressbar.OptionSetDescription(what),
		progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString("messages"),
		progressbar.OptionSpinnerType(14),
		progressbar.OptionSetSpinnerChangeInterval(0)) // no goroutine of its own
	go r.show(bar)
	return r
}

func (r *rate) show(bar *progressbar.ProgressBar) {
	defer close(r.done)
	tick := time.NewTicker(rateEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			_ = bar.Set64(int64(r.n.Load()))
		case <-r.quit:
			_ = bar.Clear()
			_ = bar.Exit()
			return
		}
	}
}

// end clears the line.
func (r *rate) end() {
	if r.quit != nil {
		r.once.Do(func() { close(r.quit) })
		<-r.done
	}
}

package lab

import (
	"bufio"
	"math"
	"os"
	"os/exec"
	"slices"
	"time"
)

// calibrator measures the round trip of a cache line between two CPUs. Its
// other side is a process that stays and sleeps in between, so that asking
// costs two or three milliseconds and not a start.
//
// The page's phase is the line that goes there, counter 0 the one that comes
// back. The number rest sends the other side to sleep.
type calibrator struct {
	page *page
	cmd  *exec.Cmd
	wake *os.File
	cpu  int
	next uint64
}

const (
	rest       = math.MaxUint64
	calibrates = 2500 * time.Microsecond // how long one measurement lasts
	trips      = 64                      // round trips between two looks at the clock
	lost       = 200 * time.Millisecond  // when an answer is not worth waiting for
)

var echoRole = NewRole("calibrate", func(w *Worker) error {
	wake := bufio.NewReader(w.Files[0])
	there, back := w.page.phase(), w.page.counter(0)
	for {
		if _, err := wake.ReadByte(); err != nil {
			return nil // the lab is closed
		}
		for n := there.Load(); n != rest; n = there.Load() {
			back.Store(n)
		}
		back.Store(rest)
	}
})

func newCalibrator(l *Lab) (*calibrator, error) {
	p, err := newPage()
	if err != nil {
		return nil, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		p.close()
		return nil, err
	}
	defer r.Close()
	p.phase().Store(rest)
	args := append(l.Command[1:len(l.Command):len(l.Command)], echoRole.name, "0", "1")
	c := &calibrator{page: p, cmd: exec.Command(l.Command[0], args...), wake: w, cpu: l.cpu(0)}
	c.cmd.ExtraFiles = []*os.File{p.file, r}
	if err := start(c.cmd, l.cpu(1)); err != nil {
		w.Close()
		p.close()
		return nil, err
	}
	return c, nil
}

func (c *calibrator) close() {
	c.wake.Close()
	c.cmd.Process.Kill()
	c.cmd.Wait()
	c.page.close()
}

// measure gives the median, over many short runs, of a round trip in
// nanoseconds. A run in which one side was not running is far off, and a median
// does not mind. Where no answer comes in time it gives infinity, which is Far:
// whoever is that far away is not near.
func (c *calibrator) measure() float64 {
	result := math.Inf(1)
	onCPU(c.cpu, func() error {
		c.page.counter(0).Store(0)
		c.send()
		if _, err := c.wake.Write([]byte{0}); err != nil {
			return err
		}
		if c.answered() {
			result = c.median()
		}
		c.page.phase().Store(rest)
		for limit := time.Now().Add(lost); c.page.counter(0).Load() != rest && time.Now().Before(limit); {
		}
		return nil
	})
	return result
}

func (c *calibrator) median() float64 {
	var runs []float64
	for begin := time.Now(); len(runs) == 0 || time.Since(begin) < calibrates; {
		t := time.Now()
		for range trips {
			c.send()
			if !c.answered() {
				return math.Inf(1)
			}
		}
		runs = append(runs, float64(time.Since(t).Nanoseconds())/trips)
	}
	slices.Sort(runs)
	return runs[len(runs)/2]
}

func (c *calibrator) send() {
	c.next++
	c.page.phase().Store(c.next)
}

// answered spins until the other side has sent back what was sent last. It
// looks at the clock only when it has spun for long.
func (c *calibrator) answered() bool {
	back := c.page.counter(0)
	for begin := (time.Time{}); ; {
		for range 10000 {
			if back.Load() == c.next {
				return true
			}
		}
		if begin.IsZero() {
			begin = time.Now()
		} else if time.Since(begin) > lost {
			return false
		}
	}
}

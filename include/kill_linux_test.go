package include_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/killstep"
	"github.com/shmkit/shmkit/ringbuf"
)

// What becomes of a C process that is killed after any instruction is judged by Go.

func sweep(t *testing.T, what string, prepare func() string, check func(at killstep.Point) error, points killstep.Points) {
	t.Helper()
	needC(t)
	r := killstep.Run(t, killstep.Config{
		Victim:  "c",
		Foreign: true,
		Prepare: func() []string { return []string{peer, "victim", prepare(), what} },
		Points:  points,
		Check:   check,
	})
	if r.Visited == 0 {
		t.Error("no point was visited")
	}
}

// some is how many points of a region a usual run visits.
func some(seed uint64) killstep.Points { return killstep.Random(killstep.Budget(25), seed) }

func soon() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), 10*time.Second)
}

// A holder of the mutex in C: whoever comes next holds it, and is told if the two counts may differ.
func TestKillMutexHolder(t *testing.T) {
	v, p := newPair(t)
	sweep(t, "mutex", func() string {
		p.A, p.B = 1, 1
		return text(t, v)
	}, func(at killstep.Point) error {
		ctx, cancel := soon()
		defer cancel()
		if err := p.Mu.LockContext(ctx); err != nil {
			return err
		}
		defer p.Mu.Unlock()
		abandoned := p.Mu.Abandoned()
		if abandoned {
			p.Mu.Repaired()
		}
		switch {
		case p.A < 1 || p.A > 2 || p.B > p.A || p.A-p.B > 1:
			return fmt.Errorf("%d and %d", p.A, p.B)
		case p.A != p.B && !abandoned:
			return errors.New("torn, and nobody is told")
		case at.Ended && (abandoned || p.B != 2):
			return fmt.Errorf("it ended well, and left %d and %d, abandoned %v", p.A, p.B, abandoned)
		}
		return nil
	}, killstep.All)
}

// What a dead producer has published is there, in order and whole, and the next one goes on behind it.
func TestKillProducer(t *testing.T) {
	var r *ringbuf.SPSC[item]
	sweep(t, "put", func() string {
		if r != nil {
			r.Close()
		}
		r = newRing[item](t, 4)
		return text(t, r)
	}, func(at killstep.Point) error {
		c, err := r.Consumer()
		if err != nil {
			return err
		}
		n := uint64(0)
		for ; ; n++ {
			v, err := c.TryGet()
			if err == ringbuf.ErrEmpty {
				break
			}
			if err != nil || v != makeItem(n) {
				return fmt.Errorf("item %d is %v, %v", n, v, err)
			}
		}
		if n > 3 || at.Ended && n != 3 {
			return fmt.Errorf("%d items", n)
		}
		p, err := r.Producer()
		if err != nil {
			return err
		}
		if err := p.TryPut(makeItem(n)); err != nil {
			return err
		}
		if v, err := c.TryGet(); err != nil || v != makeItem(n) {
			return fmt.Errorf("the successor's item is %v, %v", v, err)
		}
		return nil
	}, some(2))
}

// A dead consumer leaves what it has not taken; one item at most is seen twice, none is lost.
func TestKillConsumer(t *testing.T) {
	var r *ringbuf.SPSC[item]
	sweep(t, "get", func() string {
		if r != nil {
			r.Close()
		}
		r = newRing[item](t, 4)
		p, err := r.Producer()
		must(t, err)
		for i := range uint64(4) {
			must(t, p.TryPut(makeItem(i)))
		}
		return text(t, r)
	}, func(at killstep.Point) error {
		c, err := r.Consumer()
		if err != nil {
			return err
		}
		v, err := c.TryGet()
		if err != nil || v.Seq > 3 || at.Ended && v.Seq != 3 {
			return fmt.Errorf("%v, %v", v, err)
		}
		for next := v.Seq + 1; next < 4; next++ {
			if v, err := c.TryGet(); err != nil || v != makeItem(next) {
				return fmt.Errorf("item %d is %v, %v", next, v, err)
			}
		}
		if _, err := c.TryGet(); err != ringbuf.ErrEmpty {
			return fmt.Errorf("behind the last: %v", err)
		}
		return nil
	}, some(3))
}

func letters(i uint64) string { return "0123456789abcdefghijklmnopqrstuvwxyz"[:12+8*i] }

// nearlyRound is a ring of messages whose positions stand so that the next three go over its end.
func nearlyRound(t *testing.T) (r *ringbuf.SPSC[[]byte], p *ringbuf.Producer[[]byte], c *ringbuf.Consumer[[]byte]) {
	t.Helper()
	r = newRing[[]byte](t, 64)
	p, err := r.Producer()
	must(t, err)
	c, err = r.Consumer()
	must(t, err)
	for range 2 {
		must(t, p.TryPut(make([]byte, 36)))
		_, err := c.TryGet()
		must(t, err)
	}
	return r, p, c
}

func TestKillWriter(t *testing.T) {
	var r *ringbuf.SPSC[[]byte]
	var c *ringbuf.Consumer[[]byte]
	sweep(t, "write", func() string {
		if r != nil {
			r.Close()
		}
		var p *ringbuf.Producer[[]byte]
		r, p, c = nearlyRound(t)
		must(t, p.Close())
		return text(t, r)
	}, func(at killstep.Point) error {
		n := uint64(0)
		for ; ; n++ {
			m, err := c.TryGet()
			if err == ringbuf.ErrEmpty {
				break
			}
			if err != nil || string(m) != letters(n) {
				return fmt.Errorf("message %d is %q, %v", n, m, err)
			}
		}
		if n > 3 || at.Ended && n != 3 {
			return fmt.Errorf("%d messages", n)
		}
		p, err := r.Producer()
		if err != nil {
			return err
		}
		if err := p.TryPut([]byte("next")); err != nil {
			return err
		}
		if m, err := c.TryGet(); err != nil || string(m) != "next" {
			return fmt.Errorf("the successor's message is %q, %v", m, err)
		}
		return nil
	}, some(4))
}

func TestKillReader(t *testing.T) {
	var r *ringbuf.SPSC[[]byte]
	sweep(t, "read", func() string {
		if r != nil {
			r.Close()
		}
		var p *ringbuf.Producer[[]byte]
		var c *ringbuf.Consumer[[]byte]
		r, p, c = nearlyRound(t)
		must(t, c.Close())
		c, err := r.Consumer() // else the producer is told that nobody takes
		must(t, err)
		for i := range uint64(3) {
			must(t, p.TryPut([]byte(letters(i))))
		}
		must(t, r.Shutdown())
		must(t, c.Close())
		return text(t, r)
	}, func(at killstep.Point) error {
		c, err := r.Consumer()
		if err != nil {
			return err
		}
		m, err := c.TryGet()
		next := uint64(len(m)-12)/8 + 1
		if err == io.EOF {
			next = 3
		} else if err != nil || next > 3 || string(m) != letters(next-1) {
			return fmt.Errorf("first %q, %v", m, err)
		}
		for ; next < 3; next++ {
			if m, err := c.TryGet(); err != nil || string(m) != letters(next) {
				return fmt.Errorf("message %d is %q, %v", next, m, err)
			}
		}
		if _, err := c.TryGet(); err != io.EOF {
			return fmt.Errorf("behind the last: %v", err)
		}
		return nil
	}, some(5))
}

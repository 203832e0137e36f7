package pipe_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/killstep"
	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/pipe"
)

// A victim has one end of a pipe, does one thing with it, and is killed at some instruction of that. The survivor, which
// has the other end, must get what was sent whole or not at all, in order, and then the end; and be told when it sends.

// What is sent is made ahead of the regions.
var noise50, noise100, noise3000, noise3500 = noise(50), noise(100), noise(3000), noise(3500)

// acts are what victims do. before comes ahead of the region.
var acts = map[string]struct{ before, act func(c *pipe.Conn) error }{
	"send":  {act: func(c *pipe.Conn) error { return c.SendBytes(bg, noise100) }},
	"again": {func(c *pipe.Conn) error { return c.SendBytes(bg, noise50) }, func(c *pipe.Conn) error { return c.SendBytes(bg, noise100) }},
	"long":  {func(c *pipe.Conn) error { return c.SendBytes(bg, noise50) }, func(c *pipe.Conn) error { return c.SendBytes(bg, noise3500) }},
	"value": {act: func(c *pipe.Conn) error { return c.Send(bg, []any{11, nil, "lily"}) }},
	"write": {act: func(c *pipe.Conn) error { _, err := c.Write(noise3000); return err }},
	"recv":  {act: func(c *pipe.Conn) error { _, err := c.RecvBytes(bg, make([]byte, 4000)); return err }},
	"close": {func(c *pipe.Conn) error { return c.SendBytes(bg, noise50) }, (*pipe.Conn).Close},
	"shut":  {func(c *pipe.Conn) error { return c.SendBytes(bg, noise50) }, (*pipe.Conn).CloseWrite},
	"waits": {func(c *pipe.Conn) error { return c.SendBytes(bg, noise50) }, func(c *pipe.Conn) error { _, err := c.RecvBytes(bg, nil); return err }},
}

var _ = proctest.Register("pipe victim", func(args []string) int {
	c := new(pipe.Conn)
	err := c.UnmarshalText([]byte(args[1]))
	act := acts[args[0]]
	if err == nil && act.before != nil {
		err = act.before(c)
	}
	if err == nil {
		killstep.Begin()
		err = act.act(c)
		killstep.End()
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
})

type killStage struct {
	t      *testing.T
	act    string
	asleep bool
	a, b   *pipe.Conn
	heard  chan error
	got    []byte
	msgs   [][]byte
	wait   sync.WaitGroup
}

func (s *killStage) set() []string {
	s.strike()
	a, b, err := pipe.Config{Cap: 4096}.New()
	if err != nil {
		s.t.Fatal(err)
	}
	s.a, s.b, s.got, s.msgs = a, b, nil, nil
	if s.act == "recv" {
		for _, n := range []int{3900 - 2100, 30} {
			if err := a.SendBytes(bg, noise(n)); err != nil {
				s.t.Fatal(err)
			}
		}
	}
	text, err := b.MarshalText()
	if err != nil {
		s.t.Fatal(err)
	}
	s.heard = make(chan error, 1)
	if s.asleep {
		s.wait.Go(s.listen)
	}
	return []string{s.act, string(text)}
}

// listen receives all there is, until an error.
func (s *killStage) listen() {
	ctx, cancel := context.WithTimeout(bg, 8*time.Second)
	defer cancel()
	if s.act == "write" {
		s.a.SetReadDeadline(time.Now().Add(8 * time.Second))
		var err error
		if s.got, err = io.ReadAll(s.a); err == nil {
			err = io.EOF
		}
		s.heard <- err
		return
	}
	for {
		var m []byte
		var err error
		if s.act == "value" {
			var v any
			err = s.a.Recv(ctx, &v)
			m = fmt.Append(nil, v)
		} else {
			m, err = s.a.RecvBytes(ctx, nil)
		}
		if err != nil {
			s.heard <- err
			return
		}
		s.msgs = append(s.msgs, m)
	}
}

func (s *killStage) strike() {
	if s.a != nil {
		s.a.Close()
		s.b.Close()
		s.wait.Wait()
		s.a = nil
	}
}

// wants are the messages that may have come: all of a row, or the first so many of it.
func (s *killStage) wants() (row [][]byte, least int) {
	switch s.act {
	case "send":
		return [][]byte{noise(100)}, 0
	case "again":
		return [][]byte{noise(50), noise(100)}, 1
	case "long":
		return [][]byte{noise(50), noise(3500)}, 1
	case "value":
		return [][]byte{[]byte("[11 <nil> lily]")}, 0
	case "close", "shut", "waits":
		return [][]byte{noise(50)}, 1
	}
	return nil, 0
}

func (s *killStage) check(at killstep.Point) error {
	if !s.asleep {
		s.wait.Go(s.listen)
	}
	s.b.Close() // now nobody has it but the dead
	err := <-s.heard
	row, least := s.wants()
	if at.Ended {
		least = len(row)
	}
	switch {
	case err == io.EOF:
	case s.act == "long" && errors.Is(err, io.ErrUnexpectedEOF):
		if _, err := s.a.TryRecvBytes(nil); err != io.EOF {
			return fmt.Errorf("behind a message that was cut short: %w", err)
		}
	default:
		return err
	}
	if s.act == "write" {
		if !bytes.HasPrefix(noise(3000), s.got) || at.Ended && len(s.got) != 3000 {
			return fmt.Errorf("read %d bytes", len(s.got))
		}
	}
	if len(s.msgs) < least || len(s.msgs) > len(row) {
		return fmt.Errorf("%d messages, want %d to %d", len(s.msgs), least, len(row))
	}
	for i, m := range s.msgs {
		if !bytes.Equal(m, row[i]) {
			return fmt.Errorf("message %d has %d bytes, and is not what was sent", i, len(m))
		}
	}
	ctx, cancel := context.WithTimeout(bg, 8*time.Second)
	defer cancel()
	for n := 0; ; n++ {
		if err := s.a.SendBytes(ctx, noise(20)); errors.Is(err, syscall.EPIPE) {
			return nil
		} else if err != nil || n > 200 {
			return fmt.Errorf("send to the dead, %d: %w", n, err)
		}
	}
}

func TestKillAnywhere(t *testing.T) {
	for _, act := range []string{"send", "again", "long", "value", "write", "recv", "close", "shut", "waits"} {
		for _, asleep := range []bool{false, true} {
			if act == "waits" && asleep || act == "recv" && asleep {
				continue
			}
			t.Run(fmt.Sprintf("%s asleep=%v", act, asleep), func(t *testing.T) {
				s := &killStage{t: t, act: act, asleep: asleep}
				defer s.strike()
				points, steps := killstep.Random(killstep.Budget(2), uint64(time.Now().UnixNano())), 0
				if act == "waits" {
					steps = 20_000
				}
				killstep.Run(t, killstep.Config{
					Victim: "pipe victim", Points: points, MaxSteps: steps, Sample: 10,
					Prepare: s.set, Check: s.check,
				})
			})
		}
	}
}

// Stopped anywhere: nobody takes it for dead, and when it goes on all is as if nothing had been.
func TestFreezeAnywhere(t *testing.T) {
	for _, act := range []string{"again", "long", "close"} {
		t.Run(act, func(t *testing.T) {
			s := &killStage{t: t, act: act}
			defer s.strike()
			killstep.Run(t, killstep.Config{
				Victim: "pipe victim", Points: killstep.Random(killstep.Budget(2), uint64(time.Now().UnixNano())), Action: killstep.Freeze,
				Prepare: s.set,
				Check: func(at killstep.Point) error {
					ctx, cancel := context.WithTimeout(bg, 100*time.Millisecond)
					defer cancel()
					m, err := s.a.RecvBytes(ctx, nil)
					if err != nil || !bytes.Equal(m, noise(50)) {
						return fmt.Errorf("what came first: %d bytes, %w", len(m), err)
					}
					if at.Ended || act == "close" {
						return nil
					}
					if m, err := s.a.RecvBytes(ctx, make([]byte, 4000)); err == nil {
						s.msgs = append(s.msgs, m)
					} else if err != context.DeadlineExceeded {
						return fmt.Errorf("from one who is stopped: %w", err)
					}
					return nil
				},
				After: func(killstep.Point) error {
					s.b.Close()
					s.wait.Go(s.listen)
					if err := <-s.heard; err != io.EOF {
						return err
					}
					want := map[string]int{"again": 100, "long": 3500}[act]
					if want != 0 && (len(s.msgs) != 1 || !bytes.Equal(s.msgs[0], noise(want))) {
						return fmt.Errorf("%d messages in the end", len(s.msgs))
					}
					return nil
				},
			})
		})
	}
}

// Victims at a name.
var _ = proctest.Register("desk victim", func(args []string) int {
	var err error
	switch args[0] {
	case "listen":
		killstep.Begin()
		var l *pipe.Listener
		if l, err = (pipe.Config{}).Listen(args[1]); err == nil {
			err = l.Close()
		}
		killstep.End()
	case "accept":
		var l *pipe.Listener
		if l, err = (pipe.Config{}).Listen(args[1]); err == nil {
			proctest.Say("listens")
			time.Sleep(10 * time.Millisecond)
			killstep.Begin()
			var c *pipe.Conn
			if c, err = l.AcceptContext(bg); err == nil {
				err = c.SendBytes(bg, noise(9))
			}
			killstep.End()
		}
	case "dial":
		killstep.Begin()
		var c *pipe.Conn
		if c, err = pipe.Dial(bg, args[1]); err == nil {
			err = c.SendBytes(bg, noise(9))
		}
		killstep.End()
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
})

func sweepDesk(t *testing.T, act string, set func(), check func(at killstep.Point) error) {
	points := killstep.Random(killstep.Budget(2), uint64(time.Now().UnixNano()))
	killstep.Run(t, killstep.Config{
		Victim: "desk victim", Args: []string{act, "desk"}, Points: points,
		Prepare: func() []string { set(); return nil }, Check: check,
	})
}

// Killed as it listens, or closes: the name is free, or can be taken.
func TestKillListen(t *testing.T) {
	sweepDesk(t, "listen", func() {}, func(killstep.Point) error {
		l, err := pipe.Listen("desk")
		if err != nil {
			return err
		}
		var wait sync.WaitGroup
		defer wait.Wait()
		defer l.Close()
		wait.Go(func() {
			if c, err := pipe.Dial(bg, "desk"); err == nil {
				c.Close()
			}
		})
		c, err := l.Accept()
		if err == nil {
			c.Close()
		}
		return err
	})
}

// Killed as it dials: the listener passes over it, or has a pipe that is at its end.
func TestKillDial(t *testing.T) {
	l, err := pipe.Config{}.Listen("desk")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var wait sync.WaitGroup
	var got chan []byte
	sweepDesk(t, "dial", func() {
		wait.Wait()
		got = make(chan []byte, 10)
		wait.Go(func() { // until our own has come
			for {
				c, err := l.AcceptContext(soon(t))
				if err != nil {
					t.Error(err)
					return
				}
				m, err := c.RecvBytes(soon(t), nil)
				if err != nil && err != io.EOF {
					t.Error(err)
				}
				c.Close()
				if string(m) == "ours" {
					return
				}
				got <- m
			}
		})
	}, func(at killstep.Point) error {
		c, err := pipe.Dial(soon(t), "desk")
		if err != nil {
			return err
		}
		defer c.Close()
		if err := c.SendBytes(bg, []byte("ours")); err != nil {
			return err
		}
		wait.Wait()
		if close(got); len(got) > 1 || at.Ended && len(got) != 1 {
			return fmt.Errorf("%d pipes from one who dialed once", len(got))
		}
		for m := range got {
			if m != nil && !bytes.Equal(m, noise(9)) {
				return fmt.Errorf("%d bytes", len(m))
			}
		}
		return nil
	})
}

// Killed as it accepts: who dials has a pipe that is at its end, or is refused; and the next listener goes on.
func TestKillAccept(t *testing.T) {
	var wait sync.WaitGroup
	var verdict chan error
	sweepDesk(t, "accept", func() {
		verdict = make(chan error, 1)
		wait.Go(func() {
			for {
				c, err := pipe.Dial(soon(t), "desk")
				if errors.Is(err, fs.ErrNotExist) { // not there yet
					time.Sleep(time.Millisecond)
					continue
				}
				if err == nil {
					var m []byte
					if m, err = c.RecvBytes(soon(t), nil); err == nil && !bytes.Equal(m, noise(9)) {
						err = fmt.Errorf("%d bytes", len(m))
					}
					c.Close()
				}
				verdict <- err
				return
			}
		})
	}, func(at killstep.Point) error {
		err := <-verdict
		if err != nil && err != io.EOF && !errors.Is(err, syscall.ECONNREFUSED) || at.Ended && err != nil {
			return err
		}
		l, err := pipe.Listen("desk")
		if err != nil {
			return err
		}
		return l.Close()
	})
	wait.Wait()
}

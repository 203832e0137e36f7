package lab

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// team is the worker processes of one sample.
type team struct {
	members []*member
	ended   chan *member // who ended by himself
}

// member is one of them.
type member struct {
	cmd      *exec.Cmd
	role     string
	out, log bytes.Buffer
	gone     chan struct{}
	err      error // how it ended; read it after gone
}

// newTeam starts one process for each role. Those that stand when a later one
// cannot be started are killed.
func (l *Lab) newTeam(roles []Role, s *Stage, p *page) (*team, error) {
	t := &team{ended: make(chan *member, len(roles))}
	for i, r := range roles {
		if err := t.add(l, i, r, s, p); err != nil {
			t.kill()
			return nil, err
		}
	}
	s.closeFiles()
	return t, nil
}

func (t *team) add(l *Lab, i int, r Role, s *Stage, p *page) error {
	args := append(l.Command[1:len(l.Command):len(l.Command)], r.name, strconv.Itoa(i), strconv.Itoa(len(s.files[i])))
	m := &member{cmd: exec.Command(l.Command[0], append(args, s.texts...)...), role: r.name, gone: make(chan struct{})}
	m.cmd.Stdout, m.cmd.Stderr = &m.out, &m.log
	m.cmd.ExtraFiles = append([]*os.File{p.file}, s.files[i]...)
	if err := start(m.cmd, l.cpu(i)); err != nil {
		return fmt.Errorf("lab: start %s: %w", r.name, err)
	}
	t.members = append(t.members, m)
	go func() {
		m.err = m.cmd.Wait()
		close(m.gone)
		t.ended <- m
	}()
	return nil
}

// kill ends whoever is left and returns when nobody is.
func (t *team) kill() {
	for _, m := range t.members {
		m.cmd.Process.Kill()
	}
	for _, m := range t.members {
		<-m.gone
	}
}

// grace is how long the first worker may take to end well after another has
// failed: who answers fails when who asks is done and gone, and his failure may
// be noticed first.
const grace = 3 * time.Second

// report waits for the first worker to end and reads its report. If another
// fails and the first does not end well, that is what went wrong.
func (t *team) report(ctx context.Context) (Report, error) {
	var failed error
	for {
		select {
		case <-ctx.Done():
			return Report{}, cmp.Or(failed, fmt.Errorf("lab: %s did not end: %w", t.members[0].role, ctx.Err()))
		case m := <-t.ended:
			err := m.failure()
			if m != t.members[0] {
				if err != nil && failed == nil {
					failed = err
					limited, cancel := context.WithTimeout(ctx, grace)
					defer cancel()
					ctx = limited
				}
				continue
			}
			if err != nil {
				return Report{}, cmp.Or(failed, err)
			}
			var r Report
			err = json.Unmarshal(m.out.Bytes(), &r)
			return r, err
		}
	}
}

// failure says how a worker that is gone failed, in its own words.
func (m *member) failure() error {
	if m.err == nil {
		return nil
	}
	if log := strings.TrimSpace(m.log.String()); log != "" {
		return errors.New(firstLines(log, 12))
	}
	return fmt.Errorf("lab: %s: %w", m.role, m.err)
}

// firstLines keeps the beginning of a long text: the other goroutines of a panic are no help.
func firstLines(s string, n int) string {
	lines := strings.Split(s, "\n")
	if len(lines) <= n {
		return s
	}
	return strings.Join(lines[:n], "\n") + "\n…"
}

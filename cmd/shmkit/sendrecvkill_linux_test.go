package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/shmkit/shmkit/internal/killstep"
)

// reads gathers the lines of a receiver until it ends.
func (p *proc) reads() <-chan []string {
	all := make(chan []string, 1)
	go func() {
		var lines []string
		for l := range p.out {
			lines = append(lines, l)
		}
		all <- lines
	}()
	return all
}

// tally counts lines "word number" by word, and fails if the numbers of a word do not go up, within one receiver.
func tally(t *testing.T, lines []string, ordered bool, seen map[string]map[int]int) {
	t.Helper()
	last := map[string]int{}
	for _, l := range lines {
		word, number, _ := strings.Cut(l, " ")
		n, err := strconv.Atoi(number)
		if err != nil {
			t.Fatalf("a line is %q", l)
		}
		if ordered && n <= last[word] {
			t.Errorf("%s %d comes behind %d", word, n, last[word])
		}
		last[word] = n
		if seen[word] == nil {
			seen[word] = map[int]int{}
		}
		seen[word][n]++
	}
}

func TestManySendAndManyReceive(t *testing.T) {
	mailboxes(t)
	sends(t, "", 0, "-c", "--capacity", "16K", "jobs")
	const senders, receivers, n = 3, 2, 4000
	var froms, tos []*proc
	var outs []<-chan []string
	for range receivers {
		q := start(t, "recv", "-f", "jobs")
		tos, outs = append(tos, q), append(outs, q.reads())
	}
	for i := range senders {
		p := start(t, "send", "jobs")
		froms = append(froms, p)
		go func() { io.WriteString(p.in, numbers(fmt.Sprint("s", i), n)); p.in.Close() }()
	}
	for _, p := range froms {
		p.ends(0)
	}
	sends(t, "", 0, "--shutdown", "jobs")
	seen := map[string]map[int]int{}
	for i, q := range tos {
		q.ends(0)
		tally(t, <-outs[i], true, seen)
	}
	for i := range senders {
		for k := range n {
			if got := seen[fmt.Sprint("s", i)][k+1]; got != 1 {
				t.Fatalf("line %d of sender %d comes %d times", k+1, i, got)
			}
		}
	}
}

// Of a sender that is killed there are the first lines, whole, up to some line; of the other one all.
func TestKillASender(t *testing.T) {
	for range killstep.Budget(4) {
		mailboxes(t)
		sends(t, "", 0, "-c", "--capacity", "16K", "jobs")
		q := start(t, "recv", "-f", "jobs")
		out := q.reads()
		victim, other := start(t, "send", "jobs"), start(t, "send", "jobs")
		const n = 3000
		go func() {
			for i := 1; ; i++ {
				if _, err := fmt.Fprintln(victim.in, "victim", i); err != nil {
					return
				}
			}
		}()
		go func() { io.WriteString(other.in, numbers("other", n)); other.in.Close() }()
		time.Sleep(time.Duration(rand.IntN(100)) * time.Millisecond)
		victim.signal(unix.SIGKILL)
		other.ends(0)
		sends(t, "", 0, "--shutdown", "jobs")
		q.ends(0)
		seen := map[string]map[int]int{}
		tally(t, <-out, true, seen)
		if got := len(seen["other"]); got != n {
			t.Errorf("of %d lines of the survivor %d come", n, got)
		}
		for i := range len(seen["victim"]) {
			if seen["victim"][i+1] != 1 {
				t.Errorf("of the victim come %d lines, and line %d %d times", len(seen["victim"]), i+1, seen["victim"][i+1])
				break
			}
		}
	}
}

// What a killed receiver has not printed comes to another one; what it was printing may come twice.
func TestKillAReceiver(t *testing.T) {
	for range killstep.Budget(4) {
		mailboxes(t)
		sends(t, "", 0, "-c", "--capacity", "16K", "jobs")
		const n = 5000
		p := start(t, "send", "jobs")
		go func() { io.WriteString(p.in, numbers("line", n)); p.in.Close() }()
		victim, other := start(t, "recv", "-f", "jobs"), start(t, "recv", "-f", "jobs")
		outs := []<-chan []string{victim.reads(), other.reads()}
		time.Sleep(time.Duration(rand.IntN(100)) * time.Millisecond)
		victim.signal(unix.SIGKILL)
		p.ends(0)
		sends(t, "", 0, "--shutdown", "jobs")
		other.ends(0)
		seen := map[string]map[int]int{"line": {}}
		printed := <-outs[0]
		if k := len(printed) - 1; k >= 0 { // it may be cut off, and then comes again
			if n, err := strconv.Atoi(strings.TrimPrefix(printed[k], "line ")); err == nil {
				seen["line"][n]++
			}
			printed = printed[:k]
		}
		tally(t, printed, true, seen)
		tally(t, <-outs[1], false, seen)
		twice := 0
		for i := range n {
			switch got := seen["line"][i+1]; {
			case got == 0:
				t.Fatalf("line %d is lost", i+1)
			case got > 1:
				twice++
			}
		}
		if twice > mostInHand {
			t.Errorf("%d lines come twice, more than a receiver has in hand", twice)
		}
	}
}

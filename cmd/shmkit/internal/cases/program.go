package cases

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/shmkit/shmkit/cmd/shmkit/internal/lab"
	"github.com/shmkit/shmkit/cmd/shmkit/internal/peers"
)

// Join adds peers to the groups that they belong to. Groups that only peers
// are in are added at the end.
func Join(gs []lab.Group, ps []peers.Peer) []lab.Group {
	for _, p := range ps {
		i := 0
		for i < len(gs) && gs[i].Name != p.Group {
			i++
		}
		if i == len(gs) {
			gs = append(gs, lab.Group{Name: p.Group, Kind: kindOf(p.Group)})
		}
		gs[i].Rivals = append(gs[i].Rivals[:len(gs[i].Rivals):len(gs[i].Rivals)], program{p})
	}
	return gs
}

// kindOf is the kind of a group, by the last element of its name.
func kindOf(group string) lab.Kind {
	if strings.Contains(group, "/loan/") {
		return lab.RoundTrip
	}
	switch last := group[strings.LastIndex(group, "/")+1:]; last {
	case "pingpong", "wake", busy, blocking, crowded:
		return lab.RoundTrip
	case "contended", "readers2", "mixed2", "writers2":
		return lab.Operations
	case "beside":
		return lab.Beside
	case "8x8":
		return lab.Crowds
	case "20x20":
		return lab.Errand
	case "turns2", "oversub16":
		return lab.Turns
	case "uncontended", "pair", "read", "write", "signal", "isset", "setclear", "one", "done", "enter", "wait", "start", "load", "store", "add", "update64", "slice":
		return lab.Cost
	}
	return lab.Messages
}

// program is a peer as a subject.
type program struct{ peers.Peer }

// Name is the peer's.
func (p program) Name() string { return p.Peer.Name }

// stuck is how much longer than its sample a program may take.
const stuck = 20 * time.Second

// Sample runs the program once.
func (p program) Sample(ctx context.Context, l *lab.Lab, k lab.Kind) (lab.Values, error) {
	window := k.Window(l.Window)
	ctx, cancel := context.WithTimeout(ctx, l.Warm+window+stuck)
	defer cancel()
	cpus := []int{-1, -1}
	copy(cpus, l.CPUs)
	args := append(p.Command[1:len(p.Command):len(p.Command)],
		strconv.FormatInt(l.Warm.Milliseconds(), 10), strconv.FormatInt(window.Milliseconds(), 10),
		strconv.Itoa(cpus[0]), strconv.Itoa(cpus[1]))
	cmd := exec.CommandContext(ctx, p.Command[0], args...)
	var log bytes.Buffer
	cmd.Stderr, cmd.WaitDelay = &log, time.Second
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %s", p.Peer.Name, err, strings.TrimSpace(log.String()))
	}
	return parse(string(out))
}

// parse reads what a program printed.
func parse(out string) (lab.Values, error) {
	v := lab.Values{}
	for line := range strings.Lines(out) {
		metric, number, ok := strings.Cut(strings.TrimSpace(line), "\t")
		x, err := strconv.ParseFloat(number, 64)
		if !ok || err != nil {
			return nil, fmt.Errorf("a peer printed %q instead of a metric and a number", line)
		}
		v[metric] = x
	}
	if len(v) == 0 {
		return nil, errors.New("a peer printed nothing")
	}
	return v, nil
}

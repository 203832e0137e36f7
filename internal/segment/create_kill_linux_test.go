package segment

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"testing"

	"github.com/shmkit/shmkit/internal/killstep"
	"github.com/shmkit/shmkit/internal/owner"
	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/internal/race"
)

const wholeSize = 500

// whole is an object that says of itself whether it is whole.
func whole() Spec {
	spec := plain(wholeSize)
	spec.Init = func(payload []byte) error {
		for i := range payload {
			payload[i] = byte(i*31 + 7)
		}
		return nil
	}
	return spec
}

func isWhole(s *Segment) error {
	p := s.Payload()
	if len(p) != wholeSize {
		return fmt.Errorf("%d bytes", len(p))
	}
	for i, b := range p {
		if b != byte(i*31+7) {
			return fmt.Errorf("byte %d is %#x", i, b)
		}
	}
	return nil
}

const killName = "kill"

// life does one step in the life of a named object between the marks.
var _ = proctest.Register("life", func(args []string) int {
	var s *Segment
	var err error
	if args[0] == "close" || args[0] == "unlink" {
		if s, err = Open(killName, whole(), Mem{}); err != nil {
			fmt.Println(err)
			return 1
		}
	}
	killstep.Begin()
	switch args[0] {
	case "create":
		_, err = Create(killName, whole(), Mem{})
	case "open":
		_, err = Open(killName, whole(), Mem{})
	case "open or create":
		_, err = OpenOrCreate(killName, whole(), Mem{})
	case "close":
		err = s.Close()
	case "unlink":
		err = s.Unlink()
	}
	killstep.End()
	if err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
})

// Killed anywhere in the life of a name: the name does not exist, or opens whole; nothing but it is left;
// nobody counts as living in it; and the step can be done again.
//
// A region here is of 10 000 instructions and more, and what others can see of it are files: so the points
// are those before and after each system call, and some instructions by chance.
func TestKillInTheLifeOfAName(t *testing.T) {
	random := killstep.Random(min(killstep.Budget(5), 1000), 1)
	for _, c := range []struct {
		what   string
		exists bool // before
		may    []bool
		ends   bool // whether it exists after
	}{
		{"create", false, []bool{false, true}, true},
		{"open", true, []bool{true}, true},
		{"open or create", false, []bool{false, true}, true},
		{"open or create", true, []bool{true}, true},
		{"close", true, []bool{true}, true},
		{"unlink", true, []bool{true, false}, false},
	} {
		for which, points := range map[string]killstep.Points{"calls": killstep.Calls, "random": random} {
			if which == "random" && race.Enabled {
				continue // a region of the detector's instructions takes seconds a step through it
			}
			t.Run(fmt.Sprint(c.what, "/", c.exists, "/", which), func(t *testing.T) {
				seen := map[bool]int{}
				killstep.Run(t, killstep.Config{
					Victim: "life", Args: []string{c.what}, Points: points, Sample: sampleUnderRace(),
					Prepare: func() []string {
						_ = os.Remove(path(t, killName))
						if c.exists {
							if s, err := Create(killName, whole(), Mem{}); err != nil || s.Close() != nil {
								t.Fatal(err)
							}
						}
						return nil
					},
					Check: func(at killstep.Point) error {
						exists, err := examine(t)
						seen[exists]++
						if at.Ended && exists != c.ends {
							err = errors.Join(err, fmt.Errorf("exists %v in the end", exists))
						}
						return err
					},
				})
				for exists := range seen {
					if len(c.may) == 1 && exists != c.may[0] {
						t.Errorf("exists %v", exists)
					}
				}
				if which == "calls" && !race.Enabled && !testing.Short() && len(seen) != len(c.may) {
					t.Errorf("states seen: %v", seen)
				}
				_ = os.Remove(path(t, killName))
			})
		}
	}
}

// sampleUnderRace: with the detector a victim is ten times as slow to start.
func sampleUnderRace() int {
	if race.Enabled {
		return 4
	}
	return 0
}

// examine looks at what a victim has left behind, and uses it.
func examine(t *testing.T) (exists bool, err error) {
	if all, _ := os.ReadDir(directory(t)); len(all) > 1 || len(all) == 1 && all[0].Name() != killName {
		err = fmt.Errorf("the directory holds %v", all)
	}
	if f, e := os.Open(path(t, killName)); e == nil {
		ids, e := owner.Living(int(f.Fd()))
		if f.Close(); e != nil || len(ids) > 0 {
			err = errors.Join(err, e, fmt.Errorf("living in it: %v", ids))
		}
	}
	s, e := Open(killName, whole(), Mem{})
	switch {
	case e == nil:
		exists = true
	case errors.Is(e, fs.ErrNotExist):
		if s, e = Create(killName, whole(), Mem{}); e != nil {
			return false, errors.Join(err, e)
		}
	default:
		return false, errors.Join(err, e)
	}
	err = errors.Join(err, isWhole(s))
	if o, e := OpenOrCreate(killName, whole(), Mem{}); e != nil {
		err = errors.Join(err, e)
	} else {
		err = errors.Join(err, o.Close())
	}
	return exists, errors.Join(err, s.Unlink(), s.Close())
}

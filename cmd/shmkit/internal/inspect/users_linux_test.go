package inspect

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shmkit/shmkit/internal/owner"
	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/sem"
	"github.com/shmkit/shmkit/shm"
)

func TestMain(m *testing.M) { proctest.Main(m) }

func TestIDsIn(t *testing.T) {
	for text, want := range map[string][]uint32{
		"":           nil,
		"pos:\t0\n":  nil,
		"pos:\t-1\n": nil,
		fmt.Sprintf("pos:\t%d\nflags:\t02100002\n", owner.Offset(7)):                                                  {7},
		fmt.Sprintf("pos:\t%d\n", owner.Offset(0)):                                                                    nil,
		fmt.Sprintf("pos:\t%d\n", owner.Offset(owner.Mask)):                                                           {owner.Mask},
		fmt.Sprintf("pos:\t%d\n", owner.Offset(owner.Mask+1)):                                                         nil,
		fmt.Sprintf("lock:\t1: OFDLCK ADVISORY  WRITE -1 00:18:99 %d %d\n", owner.Offset(9), owner.Offset(9)):         {9},
		fmt.Sprintf("lock:\t1: OFDLCK ADVISORY  WRITE -1 00:18:99 %d EOF\n", owner.Offset(9)):                         nil,
		fmt.Sprintf("lock:\t1: OFDLCK ADVISORY  WRITE -1 00:18:99 %d %d\n", owner.Offset(1), owner.Offset(9)):         nil,
		fmt.Sprintf("lock:\t1: POSIX  ADVISORY  WRITE 12 00:18:99 %d %d\npos: 1\n", owner.Offset(9), owner.Offset(9)): nil,
	} {
		if got := idsIn(text); !slices.Equal(got, want) {
			t.Errorf("%q shows %v, want %v", text, got, want)
		}
	}
}

func TestHolder(t *testing.T) {
	u := &users{living: []uint32{7, 9}, processes: []process{{pid: 1, command: "a b", ids: []uint32{7}}, {pid: 2, ids: []uint32{7}}}}
	u.fresh = func() []uint32 { return []uint32{7, 10} }
	for _, c := range []struct {
		id   uint32
		want string
	}{
		{0, "nobody"},
		{7, "00000007, alive, pid 1 (a b), pid 2"},
		{9, "00000009, alive, pid unknown"},
		{10, "0000000a, alive, pid unknown"}, // it has come since the first question
		{9, "00000009, dead"},
	} {
		if got := u.holder(c.id); got != c.want {
			t.Errorf("holder(%d) = %q, want %q", c.id, got, c.want)
		}
	}
}

// One id without a process and one process without an id belong together, unless there may be others that
// we cannot see.
func TestElimination(t *testing.T) {
	own := process{pid: 1, command: "go", ids: []uint32{7}}
	python := process{pid: 2, command: "python", maps: true}
	ruby := process{pid: 3, command: "ruby", maps: true}
	looks := process{pid: 4, command: "shmkit show"}
	for _, c := range []struct {
		name string
		u    users
		want string
	}{
		{"nobody", users{}, "in use no\n"},
		{"one", users{living: []uint32{7}, processes: []process{own, looks}}, "in use by 1 processes\n00000007 pid 1 (go)\n"},
		{"one of each", users{living: []uint32{7, 8}, processes: []process{own, python}}, "in use by 2 processes\n00000007 pid 1 (go)\n00000008 by elimination pid 2 (python)\n"},
		{"two processes", users{living: []uint32{7, 8}, processes: []process{own, python, ruby}}, "in use by 2 processes\n00000007 pid 1 (go)\n00000008 pid unknown\nno id shown pid 2 (python), pid 3 (ruby): mapped, and none of the ids can be told to be theirs\n"},
		{"two of each", users{living: []uint32{8, 9}, processes: []process{python, ruby}}, "in use by 2 processes\n00000008 pid unknown\n00000009 pid unknown\nno id shown pid 2 (python), pid 3 (ruby): mapped, and none of the ids can be told to be theirs\n"},
		{"hidden ones", users{living: []uint32{8}, processes: []process{python}, hidden: 3}, "in use by 1 processes\n00000008 pid unknown\nno id shown pid 2 (python): mapped, and none of the ids can be told to be theirs\nnot seen 3 processes that only their user, or root, may look into\n"},
		{"hidden ones, known all the same", users{living: []uint32{7}, processes: []process{own}, hidden: 3}, "in use by 1 processes\n00000007 pid 1 (go)\n"},
	} {
		var b bytes.Buffer
		c.u.print(&b)
		if diff := cmp.Diff(c.want, squeezed(b.String())); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

var _ = proctest.Register("inspect.hold", func(args []string) int {
	v, err := shm.Open[sem.Mutex](args[0])
	if err != nil {
		return 1
	}
	v.Ptr().Lock()
	proctest.Say(fmt.Sprintf("%08x", owner.ID()))
	proctest.Hear()
	return 0
})

// Of two processes that have it open, the holder is named; and after his death he is dead.
func TestShowNamesTheHolder(t *testing.T) {
	v, err := shm.OpenOrCreate[sem.Mutex]("app.lock")
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	defer v.Unlink()
	want(t, shown(t, "app.lock"), "T mutex at 0: free, nobody waits\n", fmt.Sprintf("\n%08x %s\n", owner.ID(), me()))
	p := proctest.Start(t, "inspect.hold", "app.lock")
	id := p.Recv()
	pid := fmt.Sprintf("pid %d (", p.PID())
	text := shown(t, "app.lock")
	want(t, text, "in use by 2 processes\n", "T mutex at 0: held by "+id+", alive, "+pid, "\n"+id+" "+pid, "), nobody waits\n")
	p.Kill()
	want(t, shown(t, "app.lock"), "in use by 1 processes\n", "T mutex at 0: held by "+id+", dead, nobody waits\n")
}

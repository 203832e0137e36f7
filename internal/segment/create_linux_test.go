package segment

import (
	"errors"
	"io/fs"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/proctest"
)

func TestCreateRaceGoroutines(t *testing.T) {
	var won, lost, inits atomic.Int32
	var winner atomic.Pointer[Segment]
	start := make(chan bool)
	var wg sync.WaitGroup
	for i := range 16 {
		spec := plain(8)
		spec.Init = func(b []byte) error {
			putWord(b, uint64(inits.Add(1))<<8|uint64(i))
			time.Sleep(time.Millisecond)
			return nil
		}
		wg.Go(func() {
			<-start
			s, err := Create("race", spec, Mem{})
			switch {
			case err == nil:
				won.Add(1)
				winner.Store(s)
				if word(s.Payload())&0xff != uint64(i) {
					t.Error("the winner has another's work")
				}
			case errors.Is(err, fs.ErrExist):
				lost.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	close(start)
	wg.Wait()
	must(t, winner.Load(), nil)
	if won.Load() != 1 || lost.Load() != 15 {
		t.Errorf("%d won, %d lost", won.Load(), lost.Load())
	}
	if h := Held(); len(h) != 1 {
		t.Errorf("the losers' work is still mapped: %v", h)
	}
}

var _ = proctest.Register("open or create", func(args []string) int {
	n, _ := strconv.ParseUint(args[1], 10, 64)
	spec := plain(8)
	spec.Init = func(b []byte) error { putWord(b, n); return nil }
	proctest.Say("ready")
	proctest.Hear()
	s, err := OpenOrCreate(args[0], spec, Mem{})
	if err != nil {
		proctest.Say(err.Error())
		return 1
	}
	proctest.Say(strconv.FormatUint(word(s.Payload()), 10))
	proctest.Hear()
	return 0
})

func TestCreateRaceProcesses(t *testing.T) {
	const n = 6
	for round := range 3 {
		name := "prace" + strconv.Itoa(round)
		defer os.Remove(path(t, name))
		var ps []*proctest.Proc
		for i := range n {
			ps = append(ps, proctest.Start(t, "open or create", name, strconv.Itoa(i+1)))
		}
		for _, p := range ps {
			p.Expect("ready")
		}
		for _, p := range ps {
			p.Send("go")
		}
		got := map[string]int{}
		for _, p := range ps {
			got[p.Recv()]++
		}
		if len(got) != 1 {
			t.Errorf("the processes see %v: not one object", got)
		}
		v, err := Inspect(name, Mem{})
		if err != nil {
			t.Fatal(err)
		}
		if ids, err := v.Living(); err != nil || len(ids) != n {
			t.Errorf("%d alive, %v", len(ids), err)
		}
		for _, p := range ps {
			p.Kill()
		}
		if ids, err := v.Living(); err != nil || len(ids) != 0 {
			t.Errorf("%d alive after their death, %v", len(ids), err)
		}
		v.Close()
	}
}

var _ = proctest.Register("create slowly", func(args []string) int {
	spec := plain(8)
	spec.Init = func([]byte) error { proctest.Say("in init"); proctest.Hear(); return nil }
	Create(args[0], spec, Mem{})
	return 0
})

// A creator that dies before it is done leaves nothing.
func TestCreateKilled(t *testing.T) {
	p := proctest.Start(t, "create slowly", "killed")
	p.Expect("in init")
	_, err := Open("killed", plain(0), Mem{})
	wantErr(t, err, fs.ErrNotExist)
	p.Kill()
	entries, err := os.ReadDir(directory(t))
	if err != nil || len(entries) != 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	mustCreate(t, "killed", plain(8))
}

package race_test

import (
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/internal/race"
)

func TestMain(m *testing.M) { proctest.Main(m) }

// handOver passes heap data from one goroutine to another, ordered by a flag in mapped memory, which the
// detector does not look at. To it this is a race, unless hints say otherwise.
func handOver(hinted bool) int {
	data, word := new(int), new(uint32)
	flag := newFlag()
	go func() {
		*data = 42
		if hinted {
			race.Release(unsafe.Pointer(word))
		}
		raise(flag)
	}()
	for !raised(flag) {
	}
	if hinted {
		race.Acquire(unsafe.Pointer(word))
	}
	return *data
}

var _ = proctest.Register("hand over", func(args []string) int {
	if handOver(args[0] == "hinted") != 42 {
		return 3
	}
	return 0
})

// With hints the detector is silent; without them the same code is reported, so the silence says something.
func TestHintsSilenceTheDetector(t *testing.T) {
	if code := proctest.Start(t, "hand over", "hinted").Wait(); code != 0 {
		t.Errorf("hinted: exit code %d", code)
	}
	cmd := proctest.Command("hand over", "bare")
	in, err := cmd.StdinPipe() // its end would end the process
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	text, err := cmd.CombinedOutput()
	_, failed := err.(*exec.ExitError)
	if failed != race.Enabled || strings.Contains(string(text), "DATA RACE") != race.Enabled {
		t.Errorf("bare, detector %v: %v\n%s", race.Enabled, err, text)
	}
}

// Many words share a shadow: that is allowed, and addresses outside of the heap are words like others.
func TestAnyAddress(t *testing.T) {
	var n atomic.Int32
	for i := range uintptr(1 << 12) {
		p := unsafe.Pointer(&make([]byte, 8)[i%8])
		race.Release(p)
		race.Acquire(p)
		n.Add(1)
	}
	race.Acquire(nil)
	race.Release(nil)
	if n.Load() != 1<<12 {
		t.Error("lost count")
	}
}

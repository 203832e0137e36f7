package ringbuf_test

import (
	"context"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/park"
	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/ringbuf"
)

var _ = proctest.Register("reserver", func(args []string) int {
	park.SetSlice(time.Hour)
	var r ringbuf.MPMC[uint64]
	if err := r.UnmarshalText([]byte(args[0])); err != nil {
		proctest.Say(err.Error())
		return 1
	}
	proctest.Say("waits")
	if _, err := r.Reserve(context.Background()); err != nil {
		proctest.Say(err.Error())
	}
	proctest.Say("has one")
	proctest.Hear()
	return 0
})

// One that has waited for room and keeps it for long hands the wake-up on at once: it was for all the room that there is.
func TestReserveHandsRoomOn(t *testing.T) {
	noSlices(t)
	r, err := ringbuf.NewMPMC[uint64](8)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for range 8 {
		if err := r.TryPut(1); err != nil {
			t.Fatal(err)
		}
	}
	text, err := r.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	p := proctest.Start(t, "reserver", string(text))
	p.Expect("waits")
	parked(t, r, 1)
	time.Sleep(20 * time.Millisecond) // asleep, and so the first to be woken; else the test is easier
	other := make(chan error, 1)
	go func() { other <- r.Put(within(t), 9) }()
	parked(t, r, 2)
	time.Sleep(20 * time.Millisecond)
	if n, err := r.GetBatch(within(t), make([]uint64, 8)); n != 8 || err != nil {
		t.Fatal(n, err)
	}
	p.Expect("has one")
	if err := <-other; err != nil {
		t.Errorf("beside seven free places: %v", err)
	}
	p.Kill()
}

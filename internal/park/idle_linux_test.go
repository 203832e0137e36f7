package park

import (
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/shmkit/shmkit/internal/futex"
	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/internal/race"
)

const idleTime = 5 * time.Second

// Waits on n words for a while, and says what that has cost: ticks, voluntary switches, CPU.
var _ = proctest.Register("idler", func(args []string) int {
	n, _ := strconv.Atoi(args[1])
	words := make([]uint32, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { dwell(bg, &words[i], nobody{}) })
	}
	for clock.sleepers.Load() < int32(n) {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(200 * time.Millisecond) // threads and pollers settle
	best, ticks, start := 1<<30, Ticks(), usage()
	for last := start; time.Since(start.at) < idleTime; {
		time.Sleep(time.Second)
		now := usage()
		best, last = min(best, now.switches-last.switches), now
	}
	end := usage()
	proctest.Say(fmt.Sprintf("%d %d %d %d", Ticks()-ticks, best, end.switches-start.switches, end.cpu-start.cpu))
	return 0
})

type cost struct {
	at       time.Time
	switches int
	cpu      int64 // nanoseconds
}

func usage() cost {
	var u unix.Rusage
	unix.Getrusage(unix.RUSAGE_SELF, &u)
	return cost{time.Now(), int(u.Nvcsw), u.Utime.Nano() + u.Stime.Nano()}
}

// What a process pays for waiting does not grow with the words that it waits for.
func TestIdleCost(t *testing.T) {
	for _, n := range []int{1, 40, 500} {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			t.Parallel()
			if testing.Short() {
				t.Skip("takes seconds")
			}
			var ticks, best, switches, cpu float64
			if _, err := fmt.Sscan(proctest.Start(t, "idler", "", strconv.Itoa(n)).Recv(), &ticks, &best, &switches, &cpu); err != nil {
				t.Fatal(err)
			}
			seconds := idleTime.Seconds()
			t.Logf("%d words: %.1f ticks/s, %.0f voluntary switches/s (in the best second %.0f), %.2f %% CPU", n, ticks/seconds, switches/seconds, best, cpu/seconds/1e7)
			if ticks/seconds > 25 || ticks == 0 {
				t.Errorf("%.1f ticks/s, want 22", ticks/seconds)
			}
			// One quiet second shows what waiting costs, about 75; the others what a busy machine adds, and other
			// packages' tests may leave none quiet. A waiter that is woken for every look of its process would be
			// at thousands. The detector makes the runtime's monitor thread, which watches over long system calls,
			// turn far more often.
			limit := 600.0
			if n > maxDirect && !futex.HaveMany() {
				limit = 10000 // pollers that cannot sleep scan
			}
			if best > limit && !race.Enabled {
				t.Errorf("%.0f voluntary switches/s", best)
			}
		})
	}
}

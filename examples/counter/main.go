// Counter lets four processes count in shared memory, and kills one of them in the midst of it, where
// what the lock guards is half written. The next to lock mends it; nothing hangs, nobody else notices.
package main

import (
	"fmt"
	"log"
	"os"
	"os/exec"

	"github.com/shmkit/shmkit/sem"
	"github.com/shmkit/shmkit/shm"
)

const rounds = 10_000

// Ledger is whole when both sums agree.
type Ledger struct {
	Mu            sem.Mutex
	Debit, Credit int64
	Mended        int64
}

// mend runs with the lock held, on what a dead holder left: it finishes what that one had begun.
func (l *Ledger) mend() {
	l.Credit = l.Debit
	l.Mended++
}

func main() {
	log.SetFlags(0)
	if len(os.Args) == 4 && os.Args[1] == "worker" {
		work(os.Args[2], os.Args[3] == "dies")
		return
	}
	v, err := shm.New[Ledger]()
	if err != nil {
		log.Fatal(err)
	}
	defer v.Close()
	died, err := startAll(v)
	if err != nil {
		log.Fatal(err)
	}
	l := v.Ptr()
	mu := l.Mu.Guard(l.mend)
	mu.Lock()
	defer mu.Unlock()
	fmt.Printf("%d worker died, %d mended: debit %d, credit %d\n", died, l.Mended, l.Debit, l.Credit)
}

// startAll starts the workers, one of which will die, and waits for all. The ledger has no name: its
// handle goes as an argument.
func startAll(v *shm.Var[Ledger]) (died int, err error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	handle, err := v.MarshalText()
	if err != nil {
		return 0, err
	}
	var workers []*exec.Cmd
	for _, fate := range []string{"lives", "dies", "lives", "lives"} {
		w := exec.Command(self, "worker", string(handle), fate)
		w.Stderr = os.Stderr
		if err := w.Start(); err != nil {
			return 0, err
		}
		workers = append(workers, w)
	}
	for _, w := range workers {
		if w.Wait() != nil {
			died++
		}
	}
	return died, nil
}

// work counts. The one that dies does so in its last round, between the two halves of it.
func work(handle string, dies bool) {
	var v shm.Var[Ledger]
	if err := v.UnmarshalText([]byte(handle)); err != nil {
		log.Fatal(err)
	}
	defer v.Close()
	l := v.Ptr()
	mu := l.Mu.Guard(l.mend)
	for i := range rounds {
		mu.Lock()
		l.Debit++
		if dies && i == rounds-1 {
			killMyself()
		}
		l.Credit++
		mu.Unlock()
	}
}

// killMyself does not return: no deferred call runs, no lock is given back.
func killMyself() {
	me, err := os.FindProcess(os.Getpid())
	if err != nil {
		log.Fatal(err)
	}
	if err := me.Kill(); err != nil {
		log.Fatal(err)
	}
	select {}
}

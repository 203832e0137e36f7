package main

import (
	"os"
	"testing"

	"github.com/shmkit/shmkit/shm/shmtest"
)

// The workers that main starts are this test binary.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "worker" {
		main()
		return
	}
	shmtest.Main(m)
}

func Example() {
	main()
	// Output: 1 worker died, 1 mended: debit 40000, credit 40000
}

// A guard alone does not count: mend is for what a death has left.
func TestMend(t *testing.T) {
	l := &Ledger{Debit: 3, Credit: 2}
	mu := l.Mu.Guard(l.mend)
	mu.Lock()
	if l.Mended != 0 || l.Credit != 2 {
		t.Errorf("mended what nobody had abandoned: %d, %d", l.Mended, l.Credit)
	}
	mu.Unlock()
	l.mend()
	if l.Mended != 1 || l.Credit != 3 {
		t.Errorf("mended into %d, %d", l.Mended, l.Credit)
	}
}

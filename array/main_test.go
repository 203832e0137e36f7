package array_test

import (
	"sync"
	"testing"

	"github.com/shmkit/shmkit/internal/proctest"
)

func TestMain(m *testing.M) { proctest.Main(m) }

// through waits until it has a lock, and lets it go.
func through(l sync.Locker) {
	l.Lock()
	defer l.Unlock()
}

//go:build unix

package main

import (
	"syscall"
	"testing"
	"time"

	"github.com/shmkit/shmkit/examples/internal/shown"
	"github.com/shmkit/shmkit/examples/service/acme"
	"github.com/shmkit/shmkit/shm/shmtest"
)

func TestMain(m *testing.M) { shmtest.Main(m) }

func TestShown(t *testing.T) { shown.Check(t, func() { interrupted(t, main) }, false) }

// interrupted runs f, and sends this process a Ctrl-C once it has counted something.
func interrupted(t *testing.T, f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
			v, err := acme.StatsVar.Open(acme.StatsName)
			if err != nil {
				continue
			}
			v.Ptr().Mu.Lock()
			hits := v.Ptr().Hits
			v.Ptr().Mu.Unlock()
			v.Close()
			if hits > 0 {
				syscall.Kill(syscall.Getpid(), syscall.SIGINT)
				return
			}
		}
		t.Error("nothing was counted")
		syscall.Kill(syscall.Getpid(), syscall.SIGINT)
	}()
	f()
	<-done
}

package main

import (
	"testing"

	"github.com/shmkit/shmkit/examples/internal/shown"
	"github.com/shmkit/shmkit/shm/shmtest"
)

func TestMain(m *testing.M) { shmtest.Main(m) }

func TestShown(t *testing.T) {
	shown.Check(t, func() {
		if err := run(t.Context(), []string{"text.txt"}); err != nil {
			t.Error(err)
		}
	}, false)
}

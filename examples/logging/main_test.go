package main

import (
	"testing"

	"github.com/shmkit/shmkit/examples/internal/shown"
	"github.com/shmkit/shmkit/shm/shmtest"
)

func TestMain(m *testing.M) {
	setUp() // as in main: before process.Main, which shmtest.Main calls
	shmtest.Main(m)
}

func TestShown(t *testing.T) { shown.Check(t, main, true, `pid=[0-9]+`, `Process-[0-9]+`) }

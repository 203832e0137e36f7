//go:build linux

package main

import (
	"strings"
	"testing"
)

func TestBoard(t *testing.T) {
	t.Setenv("SHMKIT_DIR", t.TempDir())
	for i, want := range []string{" 1\n", " 3\n", " 6\n"} {
		var out strings.Builder
		if err := run(&out, []string{"anna", "bert"}); err != nil {
			t.Fatal(err)
		}
		if got := strings.ReplaceAll(out.String(), "\x00", ""); got != "0 anna"+want+"1 bert"+want {
			t.Errorf("round %d: %q", i+1, got)
		}
	}
}

package include_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shmkit/shmkit/include"
)

// The sizes and offsets that the C compiler finds are those of package abi.
func TestLayoutInC(t *testing.T) {
	needC(t)
	out, err := exec.Command(peer, "layout").Output()
	must(t, err)
	if d := cmp.Diff(table(), string(out)); d != "" {
		t.Errorf("Go (-) and C (+) differ:\n%s", d)
	}
}

// The header is good C++ as well, without a warning.
func TestHeaderInCPP(t *testing.T) {
	cpp, err := exec.LookPath("g++")
	if err != nil {
		t.Skip("there is no g++ on this machine")
	}
	cmd := exec.Command(cpp, "-std=c++17", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-x", "c++", "-")
	cmd.Stdin = strings.NewReader(include.Header)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

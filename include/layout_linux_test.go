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

// The header is good C11 and C++17, without a warning, for each compiler that is there.
func TestHeaderCompiles(t *testing.T) {
	found := false
	for _, c := range [][]string{{"gcc", "c", "c11"}, {"g++", "c++", "c++17"}, {"clang", "c", "c11"}, {"clang", "c++", "c++17"}} {
		cc, err := exec.LookPath(c[0])
		if err != nil {
			continue
		}
		found = true
		cmd := exec.Command(cc, "-x", c[1], "-std="+c[2], "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror", "-fsyntax-only", "-")
		cmd.Stdin = strings.NewReader(include.Header)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", strings.Join(c, " "), err, out)
		}
	}
	if !found {
		t.Skip("there is no gcc, g++ or clang on this machine")
	}
}

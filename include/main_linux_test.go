package include_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/shmkit/shmkit/internal/proctest"
)

// peer is the C program of these tests, built anew for each run, and why there is none.
var peer, absent string

// sanitized says that peer ends with the code faulty where it does what C does not allow.
var sanitized bool

func TestMain(m *testing.M) {
	if os.Getenv("SHMKIT_TEST_HELPER") == "" {
		peer, absent = build("peer.c")
	}
	proctest.Main(m)
}

// build compiles a program of testdata, with more flags, and returns a path that is good for as long as this process lives; the file
// itself is gone by then.
func build(source string, flags ...string) (path, absent string) {
	cc, err := exec.LookPath("cc")
	if err != nil {
		return "", "there is no cc on this machine"
	}
	dir, err := os.MkdirTemp("", "shmkit")
	if err != nil {
		return "", err.Error()
	}
	defer os.RemoveAll(dir)
	bin := filepath.Join(dir, "program")
	flags = append([]string{"-std=c11", "-Wpedantic", "-Wall", "-Wextra", "-Werror", "-O2", "-I.", "-o", bin, filepath.Join("testdata", source)}, flags...)
	cmd := exec.Command(cc, flags...)
	if out, err := cmd.CombinedOutput(); err != nil {
		panic(fmt.Sprintf("cc: %v\n%s", err, out))
	}
	fd, err := syscall.Open(bin, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return "", err.Error()
	}
	return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), fd), ""
}

func needC(t testing.TB) {
	t.Helper()
	if absent != "" {
		t.Skip(absent)
	}
}

// c becomes the C program.
var _ = proctest.Register("c", func(args []string) int {
	err := syscall.Exec(args[0], args, os.Environ())
	fmt.Fprintln(os.Stderr, "exec:", err)
	return 127
})

// start starts the C program with these arguments.
func start(t testing.TB, args ...string) *proctest.Proc {
	t.Helper()
	needC(t)
	p := proctest.Start(t, "c", append([]string{peer}, args...)...)
	if sanitized {
		t.Cleanup(func() {
			if p.Wait() == faulty {
				t.Error("see what the sanitizers have written")
			}
		})
	}
	return p
}

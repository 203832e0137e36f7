package shmtest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shmkit/shmkit/shm"
	"github.com/shmkit/shmkit/shm/shmtest"
)

func TestMain(m *testing.M) { shmtest.Main(m) }

// misdeed says which of the tests below is to leave something behind. Those run in a process of their
// own, which does not know that a run is going on around it.
const misdeed = "SHMTEST_MISDEED"

func rerun(t *testing.T, deed string) (code int, output string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestMisdeed$")
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "SHMKIT_TEST_RUN=") {
			cmd.Env = append(cmd.Env, e)
		}
	}
	cmd.Env = append(cmd.Env, misdeed+"="+deed)
	out, err := cmd.CombinedOutput()
	if _, ok := err.(*exec.ExitError); err != nil && !ok {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

func TestMisdeed(t *testing.T) {
	switch os.Getenv(misdeed) {
	case "":
		t.Skip("it runs in the processes that the other tests start")
	case "name":
		v, err := shm.OpenOrCreate[int64]("left.name")
		if err != nil {
			t.Fatal(err)
		}
		v.Close()
	case "handle":
		if _, err := shm.New[int64](); err != nil {
			t.Fatal(err)
		}
	case "goroutine":
		go leftRunning()
	case "child":
		cmd := exec.Command("/bin/sleep", "7")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// It ends soon after this process, so that the run around this one need not wait for it.
	case "fail":
		t.Error("as it was told")
	case "good":
		v, err := shm.OpenOrCreate[int64]("a.name")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(os.Getenv("SHMKIT_DIR"), "a.name")); err != nil {
			t.Error(err)
		}
		t.Log("directory", os.Getenv("SHMKIT_DIR"))
		v.Unlink()
		v.Close()
	}
}

func leftRunning() { select {} }

func TestLeaks(t *testing.T) {
	if testing.Short() {
		t.Skip("each leak is given five seconds to go away")
	}
	for deed, want := range map[string][]string{
		"name":      {"names: left.name"},
		"handle":    {"descriptors: 1 of /memfd:shmkit"},
		"goroutine": {"leftRunning"},
		"child":     {"processes:", "/bin/sleep 7"},
		"fail":      {"as it was told"},
	} {
		t.Run(deed, func(t *testing.T) {
			t.Parallel()
			code, out := rerun(t, deed)
			if code != 1 {
				t.Errorf("exit code %d", code)
			}
			for _, w := range want {
				if !strings.Contains(out, w) {
					t.Errorf("the output lacks %q:\n%s", w, out)
				}
			}
		})
	}
}

func TestClean(t *testing.T) {
	if code, out := rerun(t, "good"); code != 0 {
		t.Errorf("exit code %d:\n%s", code, out)
	}
}

// A run inside the run has a directory of its own, and takes it away.
func TestNothingLeft(t *testing.T) {
	rerun(t, "name")
	left, err := os.ReadDir(os.Getenv("SHMKIT_DIR"))
	if err != nil || len(left) != 0 {
		t.Errorf("%v, %v", left, err)
	}
}

// A child that runs tests of its own inherits the directory.
func TestInherited(t *testing.T) {
	v, err := shm.OpenOrCreate[int64]("inherited")
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	defer v.Unlink()
	cmd := exec.Command(os.Args[0], "-test.run=^TestSeesParentsName$")
	cmd.Env = append(os.Environ(), "SHMTEST_CHILD=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if *v.Ptr() != 42 {
		t.Error("the child has opened something else")
	}
}

func TestSeesParentsName(t *testing.T) {
	if os.Getenv("SHMTEST_CHILD") == "" {
		t.Skip("it runs in the process that TestInherited starts")
	}
	v, err := shm.Open[int64]("inherited")
	if err != nil {
		t.Fatal(err)
	}
	*v.Ptr() = 42
	v.Close()
}

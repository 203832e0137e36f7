package park

import (
	"os"
	"os/exec"
	"testing"
)

// The tests of this package once more, as on a kernel without futex_waitv and membarrier.
func TestDenied(t *testing.T) {
	if os.Getenv("SHMKIT_TEST_DENY") != "" {
		t.Skip("this is that run")
	}
	t.Parallel() // beside the tests that only wait
	cmd := exec.Command("/proc/self/exe", "-test.short", "-test.run=^Test[A-Z]", "-test.shuffle=on")
	cmd.Env = append(os.Environ(), "SHMKIT_TEST_DENY=1", "GORACE=atexit_sleep_ms=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
}

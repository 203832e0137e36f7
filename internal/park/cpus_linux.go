package park

import (
	"os"
	"strings"
)

// onlineCPUs counts the machine's CPUs, not those that this process may use: the one that it waits for may
// run on another. Unknown counts as several.
func onlineCPUs() int {
	b, err := os.ReadFile("/sys/devices/system/cpu/online")
	if err == nil && !strings.ContainsAny(string(b), "-,") {
		return 1
	}
	return 2
}

// Package report shows what was measured: as a table, as JSON, as a picture.
package report

import (
	"os"
	"runtime"
	"strings"
)

// Machine is what a reader must know to judge the figures.
type Machine struct {
	System string `json:"system"`
	Kernel string `json:"kernel,omitempty"`
	CPU    string `json:"cpu,omitempty"`
	Go     string `json:"go"`
	CPUs   int    `json:"cpus"`
	Pinned []int  `json:"pinned"` // the CPUs of the workers; empty: they were not pinned
}

// ThisMachine describes the one that the program runs on.
func ThisMachine(pinned []int) Machine {
	return Machine{
		System: runtime.GOOS + "/" + runtime.GOARCH,
		Kernel: firstLine("/proc/sys/kernel/osrelease"),
		CPU:    cpuModel(),
		Go:     runtime.Version(),
		CPUs:   runtime.NumCPU(),
		Pinned: append([]int{}, pinned...),
	}
}

func firstLine(path string) string {
	b, _ := os.ReadFile(path)
	line, _, _ := strings.Cut(string(b), "\n")
	return line
}

// cpuModel is the name of the processor, where the system tells it.
func cpuModel() string {
	b, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(b)) {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == "model name" {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

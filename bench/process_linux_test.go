package bench

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
)

// BenchmarkStart is what a child costs that does nothing, from Start to the end of Join, beside os/exec running an empty
// Go program: both programs are built here, as small as they are, and take turns. And Python's spawn.
func BenchmarkStart(b *testing.B) {
	dir := b.TempDir()
	for _, args := range [][]string{{"start", "./testdata/start"}, {"empty", "./peers/empty.go"}} {
		out, err := exec.Command("go", "build", "-o", filepath.Join(dir, args[0]), args[1]).CombinedOutput()
		if err != nil {
			b.Fatalf("%v: %s", err, out)
		}
	}
	b.Run("child", func(b *testing.B) {
		out, err := exec.Command(filepath.Join(dir, "start"), strconv.Itoa(max(b.N, 50)), filepath.Join(dir, "empty")).CombinedOutput()
		if err != nil {
			b.Fatalf("%v: %s", err, out)
		}
		var ours, theirs, ratio, low, high float64
		if _, err := fmt.Sscan(string(out), &ours, &theirs, &ratio, &low, &high); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(ours, "µs")
		b.ReportMetric(theirs, "os/exec-µs")
		b.ReportMetric(ratio, "x")
		b.ReportMetric(low, "x-p10")
		b.ReportMetric(high, "x-p90")
	})
	b.Run("python", func(b *testing.B) {
		python, err := exec.LookPath("python3")
		if err != nil {
			b.Skip("there is no python3 on this machine")
		}
		out, err := exec.Command(python, "peers/python_peer.py", "start/spawn", "200", "2000", "-1", "-1").Output()
		var metric string
		var ns float64
		if err == nil {
			_, err = fmt.Sscan(string(out), &metric, &ns)
		}
		must(b, err)
		b.ReportMetric(ns/1000, "µs")
	})
}

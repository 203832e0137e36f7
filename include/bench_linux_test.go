package include_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/shmkit/shmkit/ringbuf"
)

// BenchmarkCSide compares the C side of a ring, put and get item by item between two processes on two CPUs, with the
// C++ ring of bench/peers, which only spins: a sample of each by turns. vs-C++ is the median of the ratios of
// neighbouring samples, and low and high are its quartiles; 1 is as fast, more is faster.
//
//	go test -run - -bench CSide -benchtime 20x ./include
func BenchmarkCSide(b *testing.B) {
	cpp, err := exec.LookPath("g++")
	if err != nil {
		b.Skip("there is no g++ on this machine")
	}
	dir := b.TempDir()
	for _, p := range []string{"spsc", "shmkit_c"} {
		args := []string{"-O3", "-march=native", "-std=c++17", "-I.", "-o", filepath.Join(dir, p), "../bench/peers/" + p + ".cc"}
		if out, err := exec.Command(cpp, args...).CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
	}
	b.Run("8B", func(b *testing.B) { compare[[1]uint64](b, dir, "8B") })
	b.Run("64B", func(b *testing.B) { compare[[8]uint64](b, dir, "64B") })
}

func compare[T any](b *testing.B, dir, size string) {
	sample := func(program string) float64 {
		r, err := ringbuf.NewSPSC[T](1024)
		must(b, err)
		defer r.Close()
		cmd := exec.Command(filepath.Join(dir, program), size, "50", "150", "0", "1")
		cmd.Env = append(os.Environ(), "SHMKIT_RING="+text(b, r))
		out, err := cmd.Output()
		must(b, err)
		_, value, _ := strings.Cut(strings.TrimSpace(string(out)), "\t")
		rate, err := strconv.ParseFloat(value, 64)
		must(b, err)
		return rate
	}
	var ours, ratios []float64
	for b.Loop() {
		theirs := sample("spsc")
		mine := sample("shmkit_c")
		ours, ratios = append(ours, mine), append(ratios, mine/theirs)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(quantile(ours, 2)/1e6, "M/s")
	b.ReportMetric(quantile(ratios, 2), "vs-C++")
	b.ReportMetric(quantile(ratios, 1), "low")
	b.ReportMetric(quantile(ratios, 3), "high")
}

// quantile is the q'th quartile.
func quantile(xs []float64, q int) float64 {
	slices.Sort(xs)
	return xs[(len(xs)-1)*q/4]
}

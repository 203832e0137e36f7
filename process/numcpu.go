package process

import (
	"io/fs"
	"math"
	"os"
	"path"
	"runtime"
	"strconv"
	"strings"
)

// NumCPU is how many CPUs this process can keep busy: those that it may run on (its affinity, as it is now), or
// less if its control group has a quota, rounded up. It is at least 1.
func NumCPU() int {
	n := affinity()
	if n == 0 {
		n = runtime.NumCPU()
	}
	return max(1, min(n, int(math.Ceil(quota(os.DirFS("/"))))))
}

// quota is the least number of CPUs that a control group, from this process's up to the root, grants; more than
// there can be if none sets a limit. The files are those of proc(5) and cgroups(7), versions 1 and 2.
func quota(root fs.FS) float64 {
	least := float64(math.MaxInt32)
	self, _ := fs.ReadFile(root, "proc/self/cgroup")
	mounts, _ := fs.ReadFile(root, "proc/self/mountinfo")
	for line := range strings.Lines(string(self)) {
		part := strings.SplitN(strings.TrimSpace(line), ":", 3) // id, controllers, path
		if len(part) != 3 {
			continue
		}
		v2 := part[1] == ""
		if !v2 && !hasWord(part[1], "cpu") {
			continue
		}
		top, dir := mountOf(string(mounts), v2, part[2])
		for ; top != ""; dir = path.Dir(dir) {
			if q := limit(root, path.Join(top, dir), v2); q > 0 {
				least = min(least, q)
			}
			if dir == "/" || dir == "." {
				break
			}
		}
	}
	return least
}

func hasWord(list, word string) bool {
	for w := range strings.SplitSeq(list, ",") {
		if w == word {
			return true
		}
	}
	return false
}

// mountOf finds where the groups of a version are mounted, and the path of a group below that. In a container the
// mount shows only a part of the tree, which its root names.
func mountOf(mounts string, v2 bool, group string) (top, dir string) {
	for line := range strings.Lines(mounts) {
		fixed, fstype, ok := strings.Cut(strings.TrimSpace(line), " - ")
		f, t := strings.Fields(fixed), strings.Fields(fstype)
		if !ok || len(f) < 5 || len(t) < 3 {
			continue
		}
		if v2 && t[0] != "cgroup2" || !v2 && (t[0] != "cgroup" || !hasWord(t[2], "cpu")) {
			continue
		}
		below, inside := strings.CutPrefix(group, strings.TrimSuffix(f[3], "/"))
		if !inside {
			below = "/"
		}
		return strings.TrimPrefix(f[4], "/"), "/" + strings.TrimPrefix(below, "/")
	}
	return "", ""
}

// limit is what one group grants, or 0 if it sets no limit.
func limit(root fs.FS, dir string, v2 bool) float64 {
	number := func(s string) float64 {
		n, _ := strconv.ParseFloat(strings.TrimSpace(s), 64)
		return n
	}
	read := func(name string) string {
		b, _ := fs.ReadFile(root, path.Join(dir, name))
		return string(b)
	}
	quota, period := read("cpu.cfs_quota_us"), read("cpu.cfs_period_us")
	if v2 {
		quota, period, _ = strings.Cut(read("cpu.max"), " ")
	}
	if q, p := number(quota), number(period); q > 0 && p > 0 { // "max" and -1 are none
		return q / p
	}
	return 0
}

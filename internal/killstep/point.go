package killstep

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
)

// Point is a place at which a victim was interrupted.
type Point struct {
	Steps   int  // instructions of the region that were done
	Events  int  // changes of the watched memory and system calls that were done; 0 unless they were counted
	Ended   bool // the region was over before: the victim ended by itself
	Blocked bool // in a system call that lasts
	Frozen  bool // the victim stands still, and is alive
	PID     int

	pcs    []uintptr // the next instruction, and its callers as far as known
	before []uintptr // the last instructions, the latest first
}

// String says where the point is, down to the line.
func (p Point) String() string {
	how := "killed"
	switch {
	case p.Ended:
		how = "region ended"
	case p.Frozen:
		how = "frozen"
	}
	if p.Blocked {
		how += " while blocked"
	}
	if len(p.pcs) > 0 {
		how += " at " + p.Where()
	}
	return fmt.Sprintf("N=%d %s", p.Steps, how)
}

// Where names the function and line of the next instruction, and its callers. The
// victim is the same binary at the same addresses as this process, so that the
// tables of this one serve.
func (p Point) Where() string {
	var at []string
	for i, pc := range p.pcs {
		if i > 0 {
			pc-- // a return address
		}
		f := frameOf(pc)
		if f.Function == gateCaller {
			break
		}
		if f.Function == "" {
			continue
		}
		if at = append(at, name(f)); i == 0 && isAtomic(f) {
			at[0] += p.origin(f)
		}
	}
	if len(at) == 0 && len(p.pcs) > 0 {
		return fmt.Sprintf("%#x", p.pcs[0]) // the vDSO
	}
	return strings.Join(at, " < ")
}

// origin tells whose atomic operation it is. The compiler inlines those, and no
// table has the line of the call, but the steps before were beside it.
func (p Point) origin(f runtime.Frame) (s string) {
	if outer := runtime.FuncForPC(f.Entry); f.Func == nil && outer != nil {
		s = " in " + short(outer.Name())
	}
	for _, pc := range p.before {
		if f := frameOf(pc); !isAtomic(f) {
			return s + " after " + name(f)
		}
	}
	return s
}

// isAtomic is also true of what the race detector puts around atomic operations.
func isAtomic(f runtime.Frame) bool {
	for _, prefix := range []string{"sync/atomic.", "runtime.race", "race"} {
		if strings.HasPrefix(f.Function, prefix) {
			return true
		}
	}
	return f.Function == "" || strings.Contains(f.Function, "__tsan")
}

func frameOf(pc uintptr) runtime.Frame {
	f, _ := runtime.CallersFrames([]uintptr{pc + 1}).Next() // it expects return addresses
	return f
}

func name(f runtime.Frame) string {
	return fmt.Sprintf("%s %s:%d", short(f.Function), filepath.Base(f.File), f.Line)
}

// short leaves the path of the package out of a function's name.
func short(function string) string { return function[strings.LastIndex(function, "/")+1:] }

// gateCaller is called by the gate: from there on the stack is our own.
const gateCaller = "github.com/shmkit/shmkit/internal/proctest.Call"

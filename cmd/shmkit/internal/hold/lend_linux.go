package hold

import "golang.org/x/sys/unix"

// lowest is where descriptors for commands begin: scripts use single digits for their own (exec 3>file), and
// those that this process was given, a make's jobserver say, are handed on as they are.
const lowest = 10

// inherited duplicates fd so that every command started from here on has it, under the same number.
func inherited(fd int) (int, error) { return unix.FcntlInt(uintptr(fd), unix.F_DUPFD, lowest) }

func closeFD(fd int) error { return unix.Close(fd) }

package proctest

import (
	"fmt"
	"strconv"
	"strings"
)

// DenySyscalls makes the given system calls answer ENOSYS, in all threads of this
// process and in all that it starts or becomes. It cannot be taken back, so it is
// for processes made by Start; see Attr.Deny, which acts before package
// initialisation. Linux on amd64 and arm64; elsewhere errors.ErrUnsupported.
func DenySyscalls(nrs ...uintptr) error {
	if err := denySyscalls(nrs); err != nil {
		return fmt.Errorf("proctest: deny system calls %v: %w", nrs, err)
	}
	return nil
}

// parseDenied reads the list in the environment: 1, or names and numbers.
func parseDenied(list string) (nrs []uintptr, err error) {
	if list == "1" {
		list = "futex_waitv,membarrier"
	}
	for s := range strings.SplitSeq(list, ",") {
		nr, ok := syscalls[s]
		if !ok {
			n, err := strconv.ParseUint(s, 10, 31)
			if err != nil {
				return nil, fmt.Errorf("proctest: %s: no system call %q; give its number", envDeny, s)
			}
			nr = uintptr(n)
		}
		nrs = append(nrs, nr)
	}
	return nrs, nil
}

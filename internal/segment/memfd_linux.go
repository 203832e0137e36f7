package segment

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/shmkit/shmkit/internal/abi"
)

// seals fix the size of an unnamed segment for ever: no peer can make our next access a SIGBUS.
const seals = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_SEAL

// memfd makes a file that has no name anywhere. Kernels before 6.3 do not know MFD_NOEXEC_SEAL.
func memfd() (fd int, err error) {
	const flags = unix.MFD_CLOEXEC | unix.MFD_ALLOW_SEALING
	err = retry(func() error {
		fd, err = unix.MemfdCreate("shmkit", flags|unix.MFD_NOEXEC_SEAL)
		return err
	})
	if err == unix.EINVAL {
		err = retry(func() error {
			fd, err = unix.MemfdCreate("shmkit", flags)
			return err
		})
	}
	return fd, err
}

func seal(fd int) error {
	return retry(func() error {
		_, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals)
		return err
	})
}

// checkSeals refuses a file that its maker, or whoever it was passed to, could still shrink.
func checkSeals(fd int) error {
	have, err := unix.FcntlInt(uintptr(fd), unix.F_GET_SEALS, 0)
	if err != nil || have&seals != seals {
		return fmt.Errorf("it is not a sealed memfd: %w", abi.ErrForeign)
	}
	return nil
}

// random fills up to 256 bytes from the kernel. Package crypto/rand does so too, but drags a whole
// cryptographic module into every program, which costs each process a tenth of its start.
func random(b []byte) error {
	return retry(func() error {
		_, err := unix.Getrandom(b, 0) // never short up to 256 bytes
		return err
	})
}

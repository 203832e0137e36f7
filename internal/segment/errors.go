package segment

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/shmkit/shmkit/internal/abi"
)

// remedies are said after the cause, the first that fits.
var remedies = []struct {
	cause error
	text  string
}{
	{os.ErrClosed, "use it before Close, or open another"},
	{abi.ErrForeign, "choose another name, or remove the file"},
	{abi.ErrTruncated, "unlink it and create it anew"},
	{abi.ErrCorrupt, "unlink it and create it anew"},
	{syscall.EMFILE, "close some handles, or raise the limit (ulimit -n)"},
	{syscall.ENFILE, "close files, or raise the machine's limit (fs.file-max)"},
	{fs.ErrExist, "open it, or unlink it first"},
	{fs.ErrNotExist, "create it first, or look in another directory (Mem.Dir, SHMKIT_DIR)"},
	{fs.ErrPermission, "ask its owner for access (Mem.Perm, Mem.Owners)"},
}

// wrap says which operation failed, on what, and what to do about it. A mismatch says all that itself.
func wrap(op, name string, err error) error {
	if err == nil {
		return nil
	}
	var m *abi.MismatchError
	if errors.As(err, &m) {
		m.Name = name
		return err
	}
	object := "an unnamed segment"
	if name != "" {
		object = fmt.Sprintf("%q", name)
	}
	if r := remedy(op, err); r != "" {
		return fmt.Errorf("shm: %s %s: %w; %s", op, object, err, r)
	}
	return fmt.Errorf("shm: %s %s: %w", op, object, err)
}

// opHandle is the operation where a file cannot be helped by who opens it.
const opHandle = "open handle"

func remedy(op string, err error) string {
	if op == opHandle && (errors.Is(err, abi.ErrForeign) || errors.Is(err, fs.ErrNotExist)) {
		return "ask for a new handle, and have its sender keep the object open until this one has it"
	}
	for _, r := range remedies {
		if errors.Is(err, r.cause) {
			return r.text
		}
	}
	return ""
}

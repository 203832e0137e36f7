package segment

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// maxName is the longest name that the kernel takes.
const maxName = 255

// checkName refuses what is not one path element, before any system call sees it. It must be UTF-8
// because handles travel as text.
func checkName(name string) error {
	why := ""
	switch {
	case name == "":
		why = "it is empty"
	case name == "." || name == "..":
		why = "it is a directory"
	case strings.ContainsRune(name, '/'):
		why = "it has a slash, and names are one path element (the directory is Mem.Dir)"
	case strings.ContainsRune(name, 0):
		why = "it has a zero byte"
	case len(name) > maxName:
		why = fmt.Sprintf("it has %d bytes of at most %d", len(name), maxName)
	case !utf8.ValidString(name):
		why = "it is not UTF-8"
	default:
		return nil
	}
	return fmt.Errorf("bad name: %s: %w", why, fs.ErrInvalid)
}

// directory is where names live.
func (mem *Mem) directory() (string, error) {
	dir := mem.Dir
	if dir == "" {
		dir = os.Getenv("SHMKIT_DIR")
	}
	if dir == "" {
		return "/dev/shm", nil
	}
	return filepath.Abs(dir)
}

func pathOf(name string, mem Mem) (string, error) {
	if err := checkName(name); err != nil {
		return "", err
	}
	dir, err := mem.directory()
	return filepath.Join(dir, name), err
}

// perm is the exact mode of a new file.
func (mem *Mem) perm() (fs.FileMode, error) {
	switch {
	case mem.Perm == 0:
		return 0o600, nil
	case mem.Perm&^0o666 != 0:
		return 0, fmt.Errorf("Mem.Perm is %#o: only read and write can be given (0666): %w", uint32(mem.Perm), fs.ErrInvalid)
	}
	return mem.Perm, nil
}

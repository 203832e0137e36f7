package futex_test

import (
	"os"
	"path/filepath"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// words maps a file as words that processes share.
func words(path string) (*[1024]uint32, func(), error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	mem, err := unix.Mmap(int(f.Fd()), 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, nil, err
	}
	return (*[1024]uint32)(unsafe.Pointer(&mem[0])), func() { unix.Munmap(mem) }, nil
}

// sharedWords is words of a new file.
func sharedWords(t *testing.T) (*[1024]uint32, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "words")
	if err := os.WriteFile(path, make([]byte, 4096), 0o600); err != nil {
		t.Fatal(err)
	}
	ws, unmap, err := words(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(unmap)
	return ws, path
}

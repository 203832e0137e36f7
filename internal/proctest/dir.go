package proctest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const dirPrefix = "shmkit-test-"

// dir is the run's directory of names. It stays open and locked as long as the
// run lives, so that the next run can tell a corpse's directory from a live one's.
type dir struct {
	path string
	f    *os.File
}

func newDir() (d *dir, err error) {
	root := os.Getenv(envDir)
	if root == "" {
		root = defaultRoot()
	}
	sweep(root)
	path, err := os.MkdirTemp(root, dirPrefix)
	if err != nil {
		return nil, fmt.Errorf("proctest: directory of names: %w", err)
	}
	f, err := os.Open(path)
	if err == nil {
		_, err = lockDir(f)
	}
	if err != nil {
		os.Remove(path)
		return nil, fmt.Errorf("proctest: directory of names: %w", err)
	}
	return &dir{path, f}, nil
}

// remove empties the directory and reports what the tests had left in it.
func (d *dir) remove() error {
	left, err := os.ReadDir(d.path)
	names := make([]string, len(left))
	for i, e := range left {
		names[i] = e.Name()
	}
	if e := os.RemoveAll(d.path); err == nil {
		err = e
	}
	d.f.Close()
	if err == nil && len(names) > 0 {
		err = fmt.Errorf("names: %s", strings.Join(names, ", "))
	}
	return err
}

// sweep removes the directories of runs that were killed. The age leaves a new
// run the time between MkdirTemp and the lock.
func sweep(root string) {
	old, _ := filepath.Glob(filepath.Join(root, dirPrefix+"*"))
	for _, path := range old {
		if st, err := os.Stat(path); err != nil || time.Since(st.ModTime()) < time.Minute {
			continue
		}
		f, err := os.Open(path)
		if err != nil {
			continue
		}
		if free, err := lockDir(f); free && err == nil {
			os.RemoveAll(path)
		}
		f.Close()
	}
}

//go:build !linux

package proctest

import "os"

func defaultRoot() string            { return os.TempDir() }
func lockDir(*os.File) (bool, error) { return false, nil }
func warmUp()                        {}
func openFiles() map[string]int      { return nil }
func children() error                { return nil }

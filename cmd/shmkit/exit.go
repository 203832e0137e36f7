package main

import (
	"errors"
	"io/fs"
)

// The exit codes; the help text of the command explains them.
const (
	exitOK = iota
	exitFailure
	exitUsage
	exitNotFound
	exitUnsupported
)

// usageError is the caller's mistake.
type usageError struct{ error }

// Unwrap gives what it is.
func (e usageError) Unwrap() error { return e.error }

// exitCode is what an error ends the program with.
func exitCode(err error) int {
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &usage):
		return exitUsage
	case errors.Is(err, fs.ErrNotExist):
		return exitNotFound
	case errors.Is(err, errors.ErrUnsupported):
		return exitUnsupported
	}
	return exitFailure
}

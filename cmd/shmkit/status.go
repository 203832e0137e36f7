package main

import (
	"errors"
	"io/fs"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/shmkit/shmkit/internal/abi"
)

// The exit codes of the commands that run others, as flock(1) has them, so that they are told from what the
// other command ends with.
const (
	flockConflict    = 1
	flockUsage       = 64
	flockData        = 65
	flockNoInput     = 66
	flockUnavailable = 69
	flockSystem      = 71
	flockCannotMake  = 73
)

// asFlock marks those commands.
const asFlock = "as flock"

// statusError ends the program with that code; if there is no error in it nothing is said.
type statusError struct {
	code int
	err  error
}

// Error is what is said.
func (e statusError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

// Unwrap gives the cause.
func (e statusError) Unwrap() error { return e.err }

// exitCodeOf is what an error of that command ends the program with.
func exitCodeOf(c *cobra.Command, err error) int {
	var status statusError
	var usage usageError
	switch {
	case errors.As(err, &status):
		return status.code
	case err == nil || c.Annotations[asFlock] == "":
		return exitCode(err)
	case errors.As(err, &usage):
		return flockUsage
	}
	return flockCode(err)
}

// flockCode is for an object that cannot be opened.
func flockCode(err error) int {
	var mismatch *abi.MismatchError
	switch {
	case errors.As(err, &mismatch), isAny(err, abi.ErrForeign, abi.ErrTruncated, abi.ErrCorrupt):
		return flockData
	case isAny(err, syscall.ENOMEM, syscall.EMFILE, syscall.ENFILE, syscall.EAGAIN):
		return flockSystem
	case isAny(err, syscall.EROFS, syscall.ENOSPC):
		return flockCannotMake
	case errors.Is(err, fs.ErrInvalid):
		return flockUsage
	case errors.Is(err, errors.ErrUnsupported):
		return flockUnavailable
	}
	return flockNoInput
}

func isAny(err error, causes ...error) bool {
	for _, c := range causes {
		if errors.Is(err, c) {
			return true
		}
	}
	return false
}

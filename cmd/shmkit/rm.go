package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/shmkit/shmkit/internal/segment"
)

func rmCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "rm NAME…",
		Short: "Remove names",
		Long: `rm removes names. Who has an object open keeps it, without its name; its memory
is free when the last user is gone. The next process that asks for the name
makes a new object. A file that is none of shmkit's is left alone.

All names are tried. The exit code is 3 if one was not there.`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: completeNames,
		RunE: func(_ *cobra.Command, names []string) error {
			var errs []error
			for _, n := range names {
				errs = append(errs, segment.Unlink(n, segment.Mem{}))
			}
			return errors.Join(errs...)
		},
	}
}

package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/shmkit/shmkit/cmd/shmkit/internal/inspect"
)

func showCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show NAME…",
		Short: "Show the state of objects and who uses them",
		Long: `show prints, for each NAME: kind, type and size; the processes that have it
open, by the id that lock words name them with; and the state of the object: how
much is in a ring, who has its ends and whether he is alive. A participant that
is named in the object and not among its users is dead; whoever needs what it
held takes it over.

It only reads, so it works on what hangs, and disturbs nobody.`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: completeNames,
		RunE:              func(c *cobra.Command, names []string) error { return show(c.OutOrStdout(), names) },
	}
}

// show prints all that can be shown; the error names the others.
func show(w io.Writer, names []string) error {
	var errs []error
	for i, n := range names {
		if i > 0 {
			fmt.Fprintln(w)
		}
		errs = append(errs, inspect.Show(w, n))
	}
	return errors.Join(errs...)
}

package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/shmkit/shmkit/cmd/shmkit/internal/inspect"
)

func dumpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "dump NAME…",
		Short: "Print what is in values, arrays and vars as JSON",
		Long: `dump prints one line of JSON for each NAME: its name, its kind, its type (as in
Python's buffer protocol) and, as "value", what is in it: a number, a list, an
object by field. NaN and the infinities are strings, a complex number is a list of
two. A value or an array is as it was at one moment; a var has no such moment.

It only reads, and disturbs nobody.`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: completeNames,
		RunE: func(c *cobra.Command, names []string) error {
			var errs []error
			for _, n := range names {
				errs = append(errs, inspect.Dump(c.OutOrStdout(), n))
			}
			return errors.Join(errs...)
		},
	}
}

func setCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "set NAME VALUE",
		Short: "Change a value",
		Long: `set makes VALUE, which is JSON, what is in the value NAME, in one step; who waits
for a change is woken. A number, true or false, a list, an object by field (the
fields that it does not name stay as they are), and for an array of bytes a
"text". A VALUE that does not fit changes nothing.

  shmkit set app.limit 40
  shmkit set app.position '{"X": 1.5}'`,
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: completeNames,
		RunE:              func(_ *cobra.Command, args []string) error { return inspect.Set(args[0], args[1]) },
	}
}

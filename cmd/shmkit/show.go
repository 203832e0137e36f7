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
open; and the state of the object: how much is in a ring, and who has its ends; of a
queue how much is in it, who has tasks in hand, and how many were given up; in a var each lock, semaphore, event, barrier … of package sem with its path and its
offset, who holds it, and whether anybody waits. (A waiter that was killed may
still count as one.) In arrays only those that are not at rest have a line. Of a
value and of the first elements of an array it prints what they are: numbers,
structs by field, text.

Words in shared memory name a process by an id. Alive or dead is the kernel's
word on that id; whoever needs what a dead one held takes it over. The pid comes
from /proc, for processes that the caller may look into: those of his own user, or
all for root, in his own container. A command under "shmkit lock" has the id of
its shmkit. Where /proc does not show whose an id is, it says so; "by elimination"
means that one id and one process were left over.

It only reads, so it works on what hangs, and disturbs nobody. What it says may be
over when you read it.`,
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

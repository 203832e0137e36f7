package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/shmkit/shmkit/internal/segment"
)

func lsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "ls",
		Short: "List the objects that have a name",
		Long: `ls lists the objects in /dev/shm, or in the directory that SHMKIT_DIR names,
that this user may read: name, kind, size of the payload in bytes, whether any
process has it open, and the type of its elements as Python's buffer protocol
(PEP 3118) writes it. Nothing is opened for it and nobody is waited for.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return ls(c.OutOrStdout()) },
	}
}

func ls(w io.Writer) error {
	entries, err := segment.List(segment.Mem{})
	if err != nil {
		return err
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if len(entries) > 0 {
		fmt.Fprintln(tw, "NAME\tKIND\tSIZE\tIN USE\tTYPE")
	}
	for _, e := range entries {
		if e.Err != nil {
			fmt.Fprintf(tw, "%s\t%v\n", e.Name, e.Err)
			continue
		}
		fmt.Fprintf(tw, "%s\t%v\t%d\t%s\t%s\n", e.Name, e.Header.Kind, e.Header.Size, yesNo(e.InUse), abbreviate(e.Format, 48))
	}
	return tw.Flush()
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// abbreviate keeps a line readable; show has the whole of it.
func abbreviate(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return s[:n] + "…"
}

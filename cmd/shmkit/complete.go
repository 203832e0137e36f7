package main

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/shmkit/shmkit/internal/segment"
)

// completeNames offers the names that are there and not on the line yet, each
// with its kind.
func completeNames(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	entries, err := segment.List(segment.Mem{})
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var names []cobra.Completion
	for _, e := range entries {
		if !slices.Contains(args, e.Name) {
			names = append(names, cobra.CompletionWithDesc(e.Name, e.Header.Kind.String()))
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

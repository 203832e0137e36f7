package main

import (
	"reflect"
	"slices"

	"github.com/spf13/cobra"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/segment"
	"github.com/shmkit/shmkit/sem"
)

// completeNames offers the names that are there and not on the line yet, each
// with its kind.
func completeNames(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return names(func(e segment.Entry) bool { return !slices.Contains(args, e.Name) })
}

// completeLocks offers the names of objects that are a T, then leaves the shell to
// its own devices: the rest of the line is a command.
func completeLocks[T any](_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	t, err := abi.Shareable(reflect.TypeFor[T]())
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	return names(is(t))
}

// completeSems is completeLocks for both kinds of semaphore that have permits.
func completeSems(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	t, err := abi.Shareable(reflect.TypeFor[sem.BoundedSemaphore]())
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	return names(func(e segment.Entry) bool { return e.Header.Kind == abi.KindBounded || is(t)(e) })
}

// is picks the objects that are a T.
func is(t abi.Type) func(segment.Entry) bool {
	return func(e segment.Entry) bool { return e.Header.Kind == abi.KindVar && e.Format == t.Format }
}

func names(offer func(segment.Entry) bool) ([]cobra.Completion, cobra.ShellCompDirective) {
	entries, err := segment.List(segment.Mem{})
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var names []cobra.Completion
	for _, e := range entries {
		if offer(e) {
			names = append(names, cobra.CompletionWithDesc(e.Name, e.Header.Kind.String()))
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

package main

import (
	"github.com/spf13/cobra"

	"github.com/shmkit/shmkit/cmd/shmkit/internal/lab"
)

// workerName is the command by which bench starts its workers.
const workerName = "bench-worker"

// workerCommand is one process of a sample. It is not for people.
func workerCommand() *cobra.Command {
	return &cobra.Command{
		Use:                workerName,
		Short:              "One process of a sample",
		Hidden:             true,
		DisableFlagParsing: true,
		RunE: func(c *cobra.Command, args []string) error {
			return lab.Main(args, c.OutOrStdout())
		},
	}
}

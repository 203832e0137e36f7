package main

import (
	"github.com/spf13/cobra"
)

const benchHelp = `bench starts a second process, streams the lines of the FILEs through shared
memory, checks their number and SHA-256 on the far side, and measures that and
what is used most beside a pipe, a unix socket and flock, which do the same.

Without a FILE it takes Go's source tree or, where there is none, the program
itself in pieces of 1 KiB. The processes are pinned to two CPUs if there are
two. Subjects take turns; ratios are medians over pairs of samples taken side by
side, in the state of the machine (how far apart the two CPUs are: smt, near,
far) that most pairs saw. A run takes at most two minutes, with -short twenty
seconds, without -peers and with FILEs of a usual size.

To stay within that, a plain run leaves out most of package sem: conditions,
barriers, recursive and read locks, wait groups, bounded semaphores, what a call
costs when nobody is in the way, and locks that two or sixteen processes take
turns at. Any -run, even "-run .", chooses among them as well, and -peers runs
them all.

-json prints one object a line. Those with a "subject" say what it yielded,
those with "vs" how many times better shmkit is than that rival: above 1 is in
shmkit's favour, whether more or less of the metric is better.`

const benchExamples = `  shmkit bench -short
  shmkit bench -run '^spsc/8B' -n 9 -peers
  shmkit bench -run '^(cond|event|barrier)/'
  shmkit bench -json -svg bench.svg access.log > bench.json`

// benchFlags are what the user asked for.
type benchFlags struct {
	run   string
	n     int
	short bool
	json  bool
	svg   string
	peers bool
}

func benchCommand() *cobra.Command {
	var f benchFlags
	c := &cobra.Command{
		Use:               "bench [FILE…]",
		Short:             "Measure shared memory beside pipes, sockets and other languages",
		Long:              benchHelp,
		Example:           benchExamples,
		ValidArgsFunction: cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault),
		RunE: func(c *cobra.Command, files []string) error {
			return f.bench(c.Context(), files, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	c.Flags().StringVar(&f.run, "run", "", "only the cases whose name matches `RE`, of all that there are")
	c.Flags().IntVarP(&f.n, "repetitions", "n", 0, "how often to measure everything (5, with -short 2)")
	c.Flags().BoolVar(&f.short, "short", false, "20 seconds instead of two minutes, and rougher figures")
	c.Flags().BoolVar(&f.json, "json", false, "one JSON object a line instead of the table")
	c.Flags().StringVar(&f.svg, "svg", "", "also draw throughput and latency into `FILE`")
	c.Flags().BoolVar(&f.peers, "peers", false, "also measure what this machine has of C++, Boost and Python, in all cases; takes five minutes")
	return c
}

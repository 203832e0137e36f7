package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

const rootHelp = `shmkit measures the shared memory toolkit on this machine, and looks after what
lies in shared memory under a name.

  shmkit bench -short        how fast it is here, beside a pipe and a unix socket
  shmkit ls                  what there is
  shmkit show app.jobs       what state it is in, and who uses it
  shmkit dump app.config     what is in a value, an array or a var, as JSON
  shmkit set app.limit 40    change a value
  shmkit rm app.jobs         remove the name; who has it open keeps it
  shmkit lock app -- cmd     run a command under a lock
  shmkit sem -n 4 app -- cmd run a command, four at a time
  shmkit send app.jobs       put lines of the input into a ring of many
  shmkit recv app.jobs       take them out again
  shmkit put app.work        put lines of JSON into a queue
  shmkit get app.work        take its items out, as JSON

A long flag may have one dash or two. Exit codes (lock and sem have others, send, recv, put and get one more):

  0  done
  1  something failed, or what arrived was not what was sent
  2  wrong usage: an unknown command or flag, a bad argument
  3  no such object or file
  4  this system does not have what is needed`

// command builds the command tree.
func command() *cobra.Command {
	root := &cobra.Command{
		Use:           "shmkit",
		Short:         "Measure shmkit, and look after what lies in shared memory",
		Long:          rootHelp,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.AddCommand(benchCommand(), workerCommand(), lsCommand(), showCommand(), dumpCommand(), setCommand(), rmCommand(),
		lockCommand(), semCommand(), sendCommand(), recvCommand(), putCommand(), getCommand())
	return root
}

// run is the whole command: arguments in, exit code out.
func run(args []string, stdout, stderr io.Writer) int {
	root := command()
	started := false
	root.PersistentPreRun = func(*cobra.Command, []string) { started = true }
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetArgs(twoDashes(root, args))
	c, err := root.ExecuteC()
	if err == nil {
		return exitOK
	}
	if !started {
		err = usageError{err} // cobra refused before any of our code ran
	}
	if text := err.Error(); text != "" {
		fmt.Fprintln(stderr, "shmkit:", text)
	}
	return exitCodeOf(c, err)
}

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// sendFlags are send's.
type sendFlags struct {
	mailboxFlags
	shutdown bool
}

func sendCommand() *cobra.Command {
	f := new(sendFlags)
	c := &cobra.Command{
		Use:   "send [flags] NAME",
		Short: "Put the lines of standard input into a ring",
		Long: `send puts each line of its input into the ring NAME, a ringbuf.MPMC[[]byte] in shared memory, from which any number of
"shmkit recv NAME" take them: a named pipe with many ends, in which messages stay whole. Each goes to one of the receivers, in the
order in which they were put. When the ring is full, send waits.

  find . -name '*.wav' | shmkit send --create jobs    and, as often as there are CPUs:
  shmkit recv --follow jobs | while read -r f; do lame "$f"; done
  tail -f log | shmkit send log.lines                 several may send
  shmkit send --shutdown jobs </dev/null              the end: receivers end once the ring is empty

The ring stays until "shmkit rm NAME", with what is in it, whoever ends. What is in it is in memory: it does not outlive the machine.
A send that is killed, at whatever moment, has put all lines up to some line, each of them whole; the others go on.
` + framesHelp + `

Exit codes:

  0  all of the input is in the ring
  1  it is not: a message is too long, the input cannot be read, or the ring is shut down. What came before is in the ring
  2  wrong usage
  3  there is no ring NAME
  4  this system does not have what is needed
  5  there was no room in time (--timeout)`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeMailboxes,
		RunE: func(c *cobra.Command, args []string) error {
			if err := f.check(c); err != nil {
				return err
			}
			return f.run(args[0], c.InOrStdin(), c.ErrOrStderr())
		},
	}
	f.add(c, "send so many messages at most", "end when there is no room for so long: 10, 0.5 (seconds), 300ms, 1h")
	c.Flags().BoolVar(&f.shutdown, "shutdown", false, "after the last message end the stream, for all and for ever")
	return c
}

func (f *sendFlags) run(name string, in io.Reader, log io.Writer) error {
	r, err := f.open(name)
	if err != nil {
		return err
	}
	defer r.Close()
	from := recordReader{recordFlags: f.recordFlags, in: bufio.NewReaderSize(in, 64<<10), most: r.MaxMessage()}
	err = f.feed(log, from.next, r.Put, func(n uint64, err error) error { return f.explain(name, n, err) })
	if err == nil && f.shutdown {
		return r.Shutdown()
	}
	return err
}

// explain is the error after n messages.
func (f *sendFlags) explain(name string, n uint64, err error) error {
	if errors.Is(err, io.ErrClosedPipe) {
		err = isShut(name, err)
	}
	return fmt.Errorf("send %s: %s %d: %w; %s before it", name, f.noun(), n+1, err, plural(n, "message")+" put")
}

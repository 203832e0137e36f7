package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/spf13/cobra"
)

// boxHelp is what put and get have in common.
const boxHelp = `
What works with queues that a program has made, by their T:

  any, structs, maps, slices …   whatever goes as CBOR: an object of JSON has the fields of the struct. JSON says nothing of types, so what
                                 does not fit is found out by the program that gets it. Whole numbers are integers, others float64
  string, []byte                 a "text"; bytes that are none are {"base64": "…"}
  bool, numbers                  as they are; what is out of range is refused
  other plain data, own codecs   not: no JSON of it is known here`

// putFlags are put's.
type putFlags struct {
	boxFlags
	shutdown bool
}

func putCommand() *cobra.Command {
	f := new(putFlags)
	c := &cobra.Command{
		Use:   "put [flags] QUEUE",
		Short: "Put lines of JSON into a queue",
		Long: `put puts each line of its input, which is a JSON value, into the queue QUEUE, a queue.Queue in shared memory, or a SimpleQueue or a
JoinableQueue. When the queue is full it waits. A blank line is passed over.

  echo '{"url": "https://go.dev", "depth": 2}' | shmkit put --create jobs
  shmkit get --follow jobs | while read -r job; do …
  shmkit put --shutdown jobs </dev/null              the end: who gets ends once the queue is drained

--create makes a Queue[any], or with --joinable a JoinableQueue[any]. It stays until "shmkit rm QUEUE", with what is in it, whoever
ends. A put that is killed, at whatever moment, has put all lines up to some line; the others go on.
` + boxHelp + `

Exit codes:

  0  all of the input is in the queue
  1  it is not: a line is no JSON or does not fit, the input cannot be read, or the queue is shut down. What came before is in the queue
  2  wrong usage
  3  there is no queue QUEUE
  4  this system does not have what is needed
  5  there was no room in time (--timeout)`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeBoxes,
		RunE: func(c *cobra.Command, args []string) error {
			if err := f.check(c); err != nil {
				return err
			}
			return f.run(args[0], c.InOrStdin(), c.ErrOrStderr())
		},
	}
	f.add(c, "put so many items at most", "end when there is no room for so long: 10, 0.5 (seconds), 300ms, 1h")
	c.Flags().BoolVar(&f.shutdown, "shutdown", false, "after the last item end the stream, for all and for ever")
	return c
}

func (f *putFlags) run(name string, in io.Reader, log io.Writer) error {
	b, err := f.open(name)
	if err != nil {
		return err
	}
	defer b.close()
	if f.shutdown && b.shutdown == nil {
		return usageError{fmt.Errorf("--shutdown: %s is a simple queue, which has no end", name)}
	}
	lines := 0
	from := recordReader{in: bufio.NewReaderSize(in, 64<<10), most: math.MaxInt}
	next := func() ([]byte, error) {
		for {
			lines++
			if line, err := from.next(); err != nil || len(bytes.TrimSpace(line)) > 0 {
				return line, err
			}
		}
	}
	err = f.feed(log, next, b.put, func(n uint64, err error) error {
		if errors.Is(err, io.ErrClosedPipe) {
			err = isShut(name, err)
		}
		return fmt.Errorf("put %s: line %d: %w; %s put before it", name, lines, err, plural(n, "item"))
	})
	if err == nil && f.shutdown {
		return b.shutdown()
	}
	return err
}

package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/segment"
	"github.com/shmkit/shmkit/ringbuf"
)

// mailbox is the ring that send and recv share.
type mailbox = ringbuf.MPMC[[]byte]

// mailboxCap is the capacity, in bytes, that a ring is made with if nobody says.
const mailboxCap = 1 << 20

// mailboxFlags say which ring, and how long to wait in it.
type mailboxFlags struct {
	streamFlags
	recordFlags
	capacity byteSize
	longest  byteSize
}

func (f *mailboxFlags) add(c *cobra.Command, count, timeout string) {
	f.streamFlags.add(c, "ring", count, timeout)
	c.Flags().Var(&f.capacity, "capacity", "bytes that the ring holds, as 65536, 64K, 1M; of one that exists: must hold (default 1M, or what is there)")
	c.Flags().Var(&f.longest, "max-message", "bytes of the longest message, likewise (default an eighth of the capacity)")
	f.recordFlags.add(c)
}

func (f *mailboxFlags) check(c *cobra.Command) error {
	if f.null && f.frames {
		return usageError{errors.New("--null and --frames: give one of them")}
	}
	for name, n := range map[string]byteSize{"capacity": f.capacity, "max-message": f.longest} {
		if c.Flags().Changed(name) && n == 0 {
			return usageError{fmt.Errorf("--%s 0: want 1 or more", name)}
		}
	}
	return f.streamFlags.check(c)
}

// open opens the ring.
func (f *mailboxFlags) open(name string) (*mailbox, error) {
	config := ringbuf.MPMCConfig[[]byte]{Cap: int(f.capacity), MaxMessage: int(f.longest)}
	r, err := config.Open(name)
	if errors.Is(err, fs.ErrNotExist) && f.create {
		made := config
		made.Cap = cmp.Or(config.Cap, max(mailboxCap, 8*config.MaxMessage))
		if r, err = made.Create(name); errors.Is(err, fs.ErrExist) {
			r, err = config.Open(name) // somebody has made it meanwhile
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w; --create makes it", err)
	}
	return r, err
}

// completeMailboxes offers the rings of many of messages.
func completeMailboxes(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return names(func(e segment.Entry) bool {
		return e.Err == nil && e.Header.Kind == abi.KindMPMC && e.Header.Shape[abi.ShapeForm] == abi.FormBytes
	})
}

package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/shmkit/shmkit/ringbuf"
)

// framesHelp is what send and recv have in common.
const framesHelp = `
A message is a line, without its newline. With --null it ends with a zero byte instead, as find -print0 and xargs -0
have it; with --frames it is any bytes, behind their number as four bytes, the highest first.`

// recordFlags say what is between messages in a stream of bytes.
type recordFlags struct{ null, frames bool }

func (f *recordFlags) add(c *cobra.Command) {
	c.Flags().BoolVarP(&f.null, "null", "0", false, "messages end with a zero byte, not a newline")
	c.Flags().BoolVar(&f.frames, "frames", false, "messages follow their length, four bytes, the highest first")
}

func (f *recordFlags) end() byte {
	if f.null {
		return 0
	}
	return '\n'
}

// noun is what an error calls a message.
func (f *recordFlags) noun() string {
	if f.frames || f.null {
		return "record"
	}
	return "line"
}

// prefix is the number of bytes before a frame.
const prefix = 4

// recordReader takes a stream apart. No message is longer than most; memory grows with what has come, not with what
// a length announces.
type recordReader struct {
	recordFlags
	in   *bufio.Reader
	most int
	buf  []byte
}

// next returns the next message, good until the next call; io.EOF at the end. The last line needs no newline.
func (r *recordReader) next() ([]byte, error) {
	r.buf = r.buf[:0]
	if r.frames {
		return r.frame()
	}
	for {
		part, err := r.in.ReadSlice(r.end())
		if err == nil {
			part = part[:len(part)-1]
		}
		if len(r.buf)+len(part) > r.most {
			return nil, fmt.Errorf("it has more than %d bytes: %w; make one with a larger --max-message", r.most, ringbuf.ErrTooLarge)
		}
		if err == nil && len(r.buf) == 0 {
			return part, nil
		}
		r.buf = append(r.buf, part...)
		switch {
		case err == nil, err == io.EOF && len(r.buf) > 0:
			return r.buf, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		}
	}
}

func (r *recordReader) frame() ([]byte, error) {
	var head [prefix]byte
	if n, err := io.ReadFull(r.in, head[:]); err != nil {
		return nil, cutOff(err, n, prefix)
	}
	size := int(binary.BigEndian.Uint32(head[:]))
	if size > r.most {
		return nil, fmt.Errorf("it has %d bytes, and the ring takes up to %d: %w; make one with a larger --max-message", size, r.most, ringbuf.ErrTooLarge)
	}
	for len(r.buf) < size {
		from := len(r.buf)
		r.buf = append(r.buf, make([]byte, min(size-from, 64<<10))...)
		if n, err := io.ReadFull(r.in, r.buf[from:]); err != nil {
			return nil, cutOff(err, max(from+n, 1), size)
		}
	}
	return r.buf, nil
}

// cutOff tells a stream that ends within a frame from one that ends before it.
func cutOff(err error, n, want int) error {
	if n > 0 && (err == io.EOF || err == io.ErrUnexpectedEOF) {
		return fmt.Errorf("the input ends after %d of %d bytes: %w", n, want, io.ErrUnexpectedEOF)
	}
	return err
}

// append appends a message as it goes out.
func (f *recordFlags) append(b, message []byte) []byte {
	if f.frames {
		b = binary.BigEndian.AppendUint32(b, uint32(len(message)))
		return append(b, message...)
	}
	return append(append(b, message...), f.end())
}

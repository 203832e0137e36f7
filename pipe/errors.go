package pipe

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"syscall"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/ringbuf"
)

// ErrEmpty says that nothing has come yet. It comes bare: compare with ==. So does io.EOF, when the far end is closed, or
// its process dead, and all has been received.
var ErrEmpty = ringbuf.ErrEmpty

// Errors that come with an explanation around them: match them with errors.Is.
var (
	// ErrClaimed says that the end belongs to another process, or to another handle of this one.
	ErrClaimed = errors.New("that end of the pipe is somebody else's")
	// ErrDirection says that the end of a one-way pipe is the other one's.
	ErrDirection = errors.New("a one-way pipe does not go there")
	// ErrKind says that what comes next was sent by another kind of call. It has not been taken.
	ErrKind = errors.New("something of another kind comes next")
	// ErrTooShort says that the next message is longer than the room for it: see *TooShortError. It has not been taken.
	ErrTooShort = errors.New("the message is longer than the room for it")
)

// TooShortError is what RecvBytes returns when dst is too short. The message comes again with the next call. It is
// ErrTooShort.
type TooShortError struct{ Size, Room int }

// Error says both lengths.
func (e *TooShortError) Error() string {
	return fmt.Sprintf("pipe: receive: the message has %d bytes, and dst %d: receive it with a longer one, or with nil", e.Size, e.Room)
}

// Is makes it ErrTooShort.
func (e *TooShortError) Is(target error) bool { return target == ErrTooShort }

// closedError is what a closed handle answers: as files do, and as connections of package net do.
type closedError struct{}

func (closedError) Error() string { return "pipe: use of a closed connection" }

func (closedError) Is(target error) bool { return target == fs.ErrClosed || target == net.ErrClosed }

var errClosed error = closedError{}

// errBroken is what a sender gets when nobody can receive any more.
var errBroken = fmt.Errorf("pipe: send: the far end is closed, or its process has ended: %w (%w)", syscall.EPIPE, io.ErrClosedPipe)

// errShut is what a sender gets behind its own CloseWrite.
var errShut = fmt.Errorf("pipe: send after CloseWrite: %w", io.ErrClosedPipe)

// errOver is what the first use of an end gets that was closed before it.
var errOver = fmt.Errorf("pipe: this end was closed before its first use, since everybody who had it had closed it or died: %w", io.ErrClosedPipe)

// errNamed is what the text of a file gets that is no pipe's, whatever its header says.
var errNamed = fmt.Errorf("pipe: bad handle text: it is a file's that can be cut short, and a pipe has no name: it begins with /proc/ and its memory is sealed: %w", fs.ErrInvalid)

func wrongWay(n int) error {
	if n == 0 {
		return fmt.Errorf("pipe: send on the reading end: %w", ErrDirection)
	}
	return fmt.Errorf("pipe: receive on the writing end: %w", ErrDirection)
}

func otherKind(call string, kind uint64) error {
	what, use := "bytes of Write come", "Read"
	switch kind {
	case abi.FrameBytes, abi.FrameLong:
		what, use = "a message of SendBytes comes", "RecvBytes"
	case abi.FrameValue, abi.FrameLongV:
		what, use = "a value of Send comes", "Recv"
	}
	return fmt.Errorf("pipe: %s: %s next; use %s: %w", call, what, use, ErrKind)
}

// shortage is trouble of the listener's own, which may pass: a net.Error that net/http's Server waits out.
type shortage struct{ error }

func (shortage) Timeout() bool   { return false }
func (shortage) Temporary() bool { return true }
func (s shortage) Unwrap() error { return s.error }

var _ net.Error = shortage{}

// cutShort says that a long message has no end.
func cutShort(have, want uint64) error {
	return fmt.Errorf("pipe: receive: the far end was closed, or its process has ended, after %d of a message's %d bytes: %w", have, want, io.ErrUnexpectedEOF)
}

// errNothing is a part of the stream without bytes, which no sender sends.
var errNothing = fmt.Errorf("pipe: a part of the stream has no bytes: %w; make another pipe", abi.ErrCorrupt)

// corrupt says that the pipe's words contradict each other: a peer has scribbled over them.
func corrupt(what string, have, most uint64) error {
	return fmt.Errorf("pipe: %s is %#x, which cannot exceed %#x: %w; make another pipe", what, have, most, abi.ErrCorrupt)
}

package cases

import (
	"io"
	"net"
	"os"

	"github.com/shmkit/shmkit/cmd/shmkit/internal/lab"
)

// channel is a way through the kernel that carries bytes between two
// processes: what one would pick without shared memory.
type channel struct {
	name string
	// make gives worker 0 and worker 1 what they read from and write to. Where
	// both directions are one descriptor, it is given once.
	make func(s *lab.Stage, both bool) error
	// open turns inherited files into the ends of a worker.
	open func(files []*os.File) (io.Reader, io.Writer, error)
}

// channels are all of them.
var channels = map[string]channel{
	"pipe": {"pipe", makePipes, openPipes},
	"unix": {"unix", makeSocket, openSocket},
}

// channelNames keeps the order in which they are shown.
var channelNames = []string{"pipe", "unix"}

// makePipes makes a pipe from worker 1, which produces, to worker 0, and with
// both a second one the other way.
func makePipes(s *lab.Stage, both bool) error {
	if err := makePipe(s, 1, 0); err != nil || !both {
		return err
	}
	return makePipe(s, 0, 1)
}

func makePipe(s *lab.Stage, from, to int) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	s.File(to, r)
	s.File(from, w)
	return nil
}

// openPipes gives a worker its ends: worker 0 was given r then w, worker 1 w
// then r. One pipe serves as both for whoever has only one.
func openPipes(files []*os.File) (io.Reader, io.Writer, error) {
	if len(files) == 1 {
		return files[0], files[0], nil
	}
	r, w := files[0], files[1]
	if !readable(r) {
		r, w = w, r
	}
	return r, w, nil
}

// makeSocket makes a pair of connected unix stream sockets.
func makeSocket(s *lab.Stage, _ bool) error {
	a, b, err := socketPair()
	if err != nil {
		return err
	}
	s.File(0, a)
	s.File(1, b)
	return nil
}

// openSocket takes the descriptor into the net package, as a server would.
func openSocket(files []*os.File) (io.Reader, io.Writer, error) {
	c, err := net.FileConn(files[0])
	return c, c, err
}

// shared is the Share of a subject on this channel.
func (c channel) share(both bool, texts ...string) func(*lab.Stage) error {
	return func(s *lab.Stage) error {
		s.Text(texts...)
		return c.make(s, both)
	}
}

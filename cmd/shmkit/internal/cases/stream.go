package cases

import (
	"bufio"
	"io"
	"strconv"

	"github.com/shmkit/shmkit/cmd/shmkit/internal/lab"
)

// bulk is the size of the buffers that a careful user would put before a
// reader of small messages.
const bulk = 64 << 10

// kernelStreams are the channels, each carrying messages of size bytes: one
// write a message, so that a message is under way when it is sent, and as few
// reads as possible.
func kernelStreams(size int) []lab.Subject {
	var ss []lab.Subject
	for _, name := range channelNames {
		ss = append(ss, lab.Procs{
			Label: name,
			Share: channels[name].share(false, name, strconv.Itoa(size)),
			Roles: []lab.Role{streamSink, streamSource},
		})
	}
	return ss
}

var streamSource = lab.NewRole("stream.source", func(w *lab.Worker) error {
	_, out, err := channels[w.Texts[0]].open(w.Files)
	if err != nil {
		return err
	}
	b := make([]byte, w.Int(1))
	for i := byte(0); ; i++ {
		b[0] = i
		if _, err := out.Write(b); err != nil {
			return err
		}
	}
})

var streamSink = lab.NewRole("stream.sink", func(w *lab.Worker) error {
	in, _, err := channels[w.Texts[0]].open(w.Files)
	if err != nil {
		return err
	}
	b := make([]byte, w.Int(1))
	if len(b) < bulk {
		in = bufio.NewReaderSize(in, bulk)
	}
	for {
		if _, err := io.ReadFull(in, b); err != nil {
			return err
		}
		w.Add(1)
	}
})

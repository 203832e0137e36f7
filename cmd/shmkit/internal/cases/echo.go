package cases

import (
	"io"
	"runtime"
	"strconv"

	"github.com/shmkit/shmkit/cmd/shmkit/internal/lab"
)

// How a side waits for the other one.
const (
	busy     = "busy"     // it asks again and again, and never sleeps
	blocking = "blocking" // it sleeps, once it has found nothing
	crowded  = "crowded"  // it sleeps, in a process whose other goroutines keep every P busy
)

// company starts the others of a crowded process.
func company(how string) {
	if how != crowded {
		return
	}
	for range runtime.GOMAXPROCS(0) {
		go func() {
			for x := uint64(1); ; x = x*6364136223846793005 + 1 {
				if x == 0 {
					sink++
				}
			}
		}()
	}
}

// kernelRoundTrips are the channels, a message of size bytes going there and
// back.
func kernelRoundTrips(size int, how string) []lab.Subject {
	var ss []lab.Subject
	for _, name := range channelNames {
		ss = append(ss, lab.Procs{
			Label: name,
			Share: channels[name].share(true, name, strconv.Itoa(size), how),
			Roles: []lab.Role{streamPing, streamPong},
		})
	}
	return ss
}

// ends opens what a worker reads and writes.
func ends(w *lab.Worker) (io.Reader, io.Writer, error) {
	if w.Texts[2] == busy {
		s, err := newSpinner(w.Files)
		return s, s, err
	}
	return channels[w.Texts[0]].open(w.Files)
}

var streamPing = lab.NewRole("stream.ping", func(w *lab.Worker) error {
	in, out, err := ends(w)
	if err != nil {
		return err
	}
	company(w.Texts[2])
	b := make([]byte, w.Int(1))
	return w.RoundTrips(func() error {
		if _, err := out.Write(b); err != nil {
			return err
		}
		_, err := io.ReadFull(in, b)
		return err
	})
})

var streamPong = lab.NewRole("stream.pong", func(w *lab.Worker) error {
	in, out, err := ends(w)
	if err != nil {
		return err
	}
	company(w.Texts[2])
	for b := make([]byte, w.Int(1)); ; {
		if _, err := io.ReadFull(in, b); err != nil {
			return err
		}
		if _, err := out.Write(b); err != nil {
			return err
		}
	}
})

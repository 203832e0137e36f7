package cases

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/shmkit/shmkit/cmd/shmkit/internal/corpus"
	"github.com/shmkit/shmkit/cmd/shmkit/internal/lab"
)

// Lines is the main job: the messages of a corpus go from one process to
// another, which counts and hashes them. It is a sample only if the sum is
// right.
func Lines(c *corpus.Corpus, want corpus.Sum) lab.Group {
	name := "lines/" + c.Name
	g := lab.Group{Name: name, Kind: lab.Job}
	for _, way := range lineWays {
		p := lab.Procs{
			Label: way.label,
			Share: func(s *lab.Stage) error { return shareLines(s, way, c) },
			Roles: []lab.Role{way.sink, way.source},
			Check: func(r lab.Report) error { return checkSum(r, want) },
		}
		if way.label == ours {
			g.Cases = append(g.Cases, lab.Case{Name: name + way.how, Subject: p})
		} else {
			g.Rivals = append(g.Rivals, p)
		}
	}
	return g
}

// lineWay is one way of sending lines.
type lineWay struct {
	label        string
	how          string // after the name of the case
	share        func(s *lab.Stage) error
	sink, source lab.Role
}

// lineWays are all of them, ours first.
var lineWays = []lineWay{
	{ours, "", shareRings[[]byte](1, lineRing), linesGet, linesPut},
	{ours, "/inplace", shareRings[[]byte](1, lineRing), linesNext, linesReserve},
	{"pipe", "", lineChannel("pipe", "line by line"), channelSink, channelSource},
	{"unix", "", lineChannel("unix", "line by line"), channelSink, channelSource},
	{"pipe, 64 KiB at a time", "", lineChannel("pipe", "buffered"), channelSink, channelSource},
}

func lineChannel(name, how string) func(*lab.Stage) error {
	return channels[name].share(false, name, how)
}

// shareLines prepares a sample: the corpus as the producer's last file and the
// last text, and before that whatever carries the lines.
func shareLines(s *lab.Stage, way lineWay, c *corpus.Corpus) error {
	if err := way.share(s); err != nil {
		return err
	}
	f, err := jsonFile(c)
	if err != nil {
		return err
	}
	s.File(1, f)
	s.Text(fmt.Sprint(c.Piece))
	return nil
}

// jsonFile puts v into a file that has no name any more.
func jsonFile(v any) (*os.File, error) {
	f, err := os.CreateTemp("", "shmkit-bench-")
	if err != nil {
		return nil, err
	}
	os.Remove(f.Name())
	if err := json.NewEncoder(f).Encode(v); err == nil {
		_, err = f.Seek(0, io.SeekStart)
		if err == nil {
			return f, nil
		}
	}
	f.Close()
	return nil, fmt.Errorf("%s: cannot write the list of files", f.Name())
}

// inMemory is how large a corpus may be that the producer reads before it
// begins. Below it the files cost nothing in the measured time; above it they
// cost what they do when a program reads large files.
const inMemory = 256 << 20

// lineSource opens the corpus in the producer.
func lineSource(w *lab.Worker) (*corpus.Cutter, error) {
	var c corpus.Corpus
	f := w.Files[len(w.Files)-1]
	if err := json.NewDecoder(f).Decode(&c); err != nil {
		return nil, err
	}
	f.Close()
	w.Files = w.Files[:len(w.Files)-1]
	var r io.Reader = c.Open()
	if c.Size <= inMemory {
		b, err := io.ReadAll(r)
		if err != nil {
			return nil, err
		}
		r = bytes.NewReader(b)
	}
	return corpus.NewCutter(r, c.Piece), nil
}

// finish reports what a consumer has got since its first message.
func finish(w *lab.Worker, t *corpus.Tally, begin time.Time) error {
	sum := t.Sum()
	text, err := json.Marshal(sum)
	seconds := time.Since(begin).Seconds()
	w.Report(lab.Report{
		Text:   string(text),
		Values: lab.Values{"throughput": float64(sum.Messages) / seconds, "bandwidth": float64(sum.Bytes) / seconds},
	})
	return err
}

// checkSum compares what arrived with what was sent.
func checkSum(r lab.Report, want corpus.Sum) error {
	var got corpus.Sum
	if err := json.NewDecoder(strings.NewReader(r.Text)).Decode(&got); err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("the far side got %d messages, %d bytes, SHA-256 %s; sent were %d, %d, %s",
			got.Messages, got.Bytes, got.SHA256, want.Messages, want.Bytes, want.SHA256)
	}
	return nil
}

var channelSource = lab.NewRole("lines.channel.source", func(w *lab.Worker) error {
	lines, err := lineSource(w)
	if err != nil {
		return err
	}
	_, out, err := channels[w.Texts[0]].open(w.Files)
	if err != nil {
		return err
	}
	flush := func() error { return nil }
	if w.Texts[1] == "buffered" {
		b := bufio.NewWriterSize(out, bulk)
		out, flush = b, b.Flush
	}
	for {
		b, err := lines.Next()
		if err == io.EOF {
			return flush()
		}
		if err != nil {
			return err
		}
		if _, err := out.Write(b); err != nil {
			return err
		}
	}
})

var channelSink = lab.NewRole("lines.channel.sink", func(w *lab.Worker) error {
	in, _, err := channels[w.Texts[0]].open(w.Files)
	if err != nil {
		return err
	}
	lines, t := corpus.NewCutter(in, w.Int(len(w.Texts)-1)), corpus.NewTally()
	var begin time.Time
	for {
		b, err := lines.Next()
		if err == io.EOF {
			return finish(w, t, begin)
		}
		if err != nil {
			return err
		}
		if begin.IsZero() {
			begin = time.Now()
		}
		t.Add(b)
	}
})

package cases

import (
	"io"
	"time"

	"github.com/shmkit/shmkit/cmd/shmkit/internal/corpus"
	"github.com/shmkit/shmkit/cmd/shmkit/internal/lab"
)

// lineRing is the capacity of the ring that carries lines, and lineRun how many
// of them are looked at together.
const (
	lineRing = 1 << 20
	lineRun  = 64
)

// sendLines hands the lines to put, and ends the stream behind the last one.
func sendLines(w *lab.Worker, put func([]byte) error, shutdown func() error) error {
	lines, err := lineSource(w)
	if err != nil {
		return err
	}
	for {
		b, err := lines.Next()
		if err == io.EOF {
			return shutdown()
		}
		if err != nil {
			return err
		}
		if err := put(b); err != nil {
			return err
		}
	}
}

var linesPut = lab.NewRole("lines.put", func(w *lab.Worker) error {
	r, err := openRing[[]byte](w, 0)
	if err != nil {
		return err
	}
	p, err := r.Producer()
	if err != nil {
		return err
	}
	return sendLines(w, func(b []byte) error { return p.Put(ctx, b) }, r.Shutdown)
})

var linesReserve = lab.NewRole("lines.reserve", func(w *lab.Worker) error {
	r, err := openRing[[]byte](w, 0)
	if err != nil {
		return err
	}
	p, err := r.Producer()
	if err != nil {
		return err
	}
	return sendLines(w, func(b []byte) error { return send(p, b) }, r.Shutdown)
})

var linesGet = lab.NewRole("lines.get", func(w *lab.Worker) error {
	c, err := consumer[[]byte](w, 0)
	if err != nil {
		return err
	}
	t := corpus.NewTally()
	var begin time.Time
	for {
		b, err := c.Get(ctx)
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

var linesNext = lab.NewRole("lines.next", func(w *lab.Worker) error {
	c, err := consumer[[]byte](w, 0)
	if err != nil {
		return err
	}
	t := corpus.NewTally()
	var begin time.Time
	for {
		messages, err := c.Next(ctx, lineRun)
		if err == io.EOF {
			return finish(w, t, begin)
		}
		if err != nil {
			return err
		}
		if begin.IsZero() {
			begin = time.Now()
		}
		for _, b := range messages {
			t.Add(b)
		}
		c.Release(len(messages))
	}
})

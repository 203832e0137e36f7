package cases

import (
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"

	"github.com/shmkit/shmkit/cmd/shmkit/internal/lab"
	"github.com/shmkit/shmkit/pipe"
)

// sharePipe gives worker 0 the first end of a pipe and worker 1 the second one, as texts 0 and 1, and the texts that
// follow.
func sharePipe(capacity int, texts ...string) func(*lab.Stage) error {
	return func(s *lab.Stage) error {
		a, b, err := pipe.Config{Cap: capacity}.New()
		if err := give(s, a, err); err != nil {
			return err
		}
		err = give(s, b, nil)
		s.Text(texts...)
		return err
	}
}

// openPipe opens an end.
func openPipe(w *lab.Worker, n int) (*pipe.Conn, error) {
	c := new(pipe.Conn)
	return c, take(w, n, c)
}

var pipeSource = lab.NewRole("pipe.source", func(w *lab.Worker) error {
	c, err := openPipe(w, 1)
	if err != nil {
		return err
	}
	b := make([]byte, w.Int(2))
	for i := byte(0); ; i++ {
		b[0] = i
		if err := c.SendBytes(ctx, b); err != nil {
			return err
		}
	}
})

var pipeSink = lab.NewRole("pipe.sink", func(w *lab.Worker) error {
	c, err := openPipe(w, 0)
	if err != nil {
		return err
	}
	b := make([]byte, w.Int(2))
	for {
		if _, err := c.RecvBytes(ctx, b); err != nil {
			return err
		}
		sink += uint64(b[0])
		w.Add(1)
	}
})

// recv receives as a side does that waits so.
func recv(c *pipe.Conn, how string, b []byte) error {
	if how != busy {
		_, err := c.RecvBytes(ctx, b)
		return err
	}
	for {
		if _, err := c.TryRecvBytes(b); err != pipe.ErrEmpty {
			return err
		}
	}
}

var pipePing = lab.NewRole("pipe.ping", func(w *lab.Worker) error {
	c, err := openPipe(w, 0)
	if err != nil {
		return err
	}
	b := make([]byte, w.Int(3))
	return w.RoundTrips(func() error {
		if err := c.SendBytes(ctx, b); err != nil {
			return err
		}
		return recv(c, how(w), b)
	})
})

var pipePong = lab.NewRole("pipe.pong", func(w *lab.Worker) error {
	c, err := openPipe(w, 1)
	if err != nil {
		return err
	}
	for b := make([]byte, w.Int(3)); ; {
		if err := recv(c, how(w), b); err != nil {
			return err
		}
		if err := c.SendBytes(ctx, b); err != nil {
			return err
		}
	}
})

// one is a listener with one connection.
type one struct {
	c    chan net.Conn
	once sync.Once
}

func (l *one) Accept() (net.Conn, error) {
	if c, ok := <-l.c; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}
func (l *one) Close() error   { l.once.Do(func() { close(l.c) }); return nil }
func (l *one) Addr() net.Addr { return pipe.Addr("bench") }

// serveHTTP answers requests that come through c.
func serveHTTP(c net.Conn) error {
	l := &one{c: make(chan net.Conn, 1)}
	l.c <- c
	return http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "hello")
	}))
}

// askHTTP asks again and again through c, one request after another, and counts answers.
func askHTTP(w *lab.Worker, c net.Conn) error {
	client := &http.Client{Transport: &http.Transport{
		DialContext: func(context.Context, string, string) (net.Conn, error) { return c, nil }, MaxConnsPerHost: 1,
	}}
	for {
		r, err := client.Get("http://bench/")
		if err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return err
		}
		r.Body.Close()
		w.Add(1)
	}
}

// httpEnd opens a worker's end of whatever the requests go through.
func httpEnd(w *lab.Worker, n int) (net.Conn, error) {
	if len(w.Files) > 0 {
		return net.FileConn(w.Files[0])
	}
	return openPipe(w, n)
}

var httpAsk = lab.NewRole("pipe.http.ask", func(w *lab.Worker) error {
	c, err := httpEnd(w, 0)
	if err != nil {
		return err
	}
	return askHTTP(w, c)
})

var httpServe = lab.NewRole("pipe.http.serve", func(w *lab.Worker) error {
	c, err := httpEnd(w, 1)
	if err != nil {
		return err
	}
	return serveHTTP(c)
})

func init() {
	for name, size := range map[string]int{"64B": 64, "64KiB": 64 << 10} {
		askFor(lab.Messages,
			ourCase("pipe/"+name, sharePipe(max(4*size, 256<<10), strconv.Itoa(size)), pipeSink, pipeSource),
			kernelStreams(size)...)
	}
	for _, h := range []string{busy, blocking} {
		for name, size := range map[string]int{"8B": 8, "64B": 64} {
			askFor(lab.RoundTrip,
				ourCase("pipe/"+name+"/rtt/"+h, sharePipe(0, h, strconv.Itoa(size)), pipePing, pipePong),
				kernelRoundTrips(size, h)...)
		}
	}
	askFor(lab.Messages,
		ourCase("pipe/http", sharePipe(0), httpAsk, httpServe),
		lab.Procs{Label: "unix", Share: channels["unix"].share(true), Roles: []lab.Role{httpAsk, httpServe}})
}

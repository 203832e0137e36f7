package pipe_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/rpc"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/nettest"

	"github.com/shmkit/shmkit/pipe"
)

var bg = context.Background()

// soon ends calls that should have ended by themselves long ago.
func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(bg, 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func newPipe(t *testing.T, capacity int) (a, b *pipe.Conn) {
	t.Helper()
	a, b, err := pipe.Config{Cap: capacity}.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

func TestNetConn(t *testing.T) {
	for _, capacity := range []int{4096, 1 << 20} {
		t.Run(fmt.Sprint(capacity), func(t *testing.T) {
			nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
				a, b, err := pipe.Config{Cap: capacity}.New()
				if err != nil {
					return nil, nil, nil, err
				}
				return a, b, func() { a.Close(); b.Close() }, nil
			})
		})
	}
}

// Arith is for net/rpc.
type Arith struct{}

// Double doubles.
func (Arith) Double(n int, out *int) error { *out = 2 * n; return nil }

func TestRPC(t *testing.T) {
	a, b := newPipe(t, 0)
	s := rpc.NewServer()
	if err := s.Register(Arith{}); err != nil {
		t.Fatal(err)
	}
	var served sync.WaitGroup
	served.Go(func() { s.ServeConn(b) })
	c := rpc.NewClient(a)
	for n := range 100 {
		var out int
		if err := c.Call("Arith.Double", n, &out); err != nil || out != 2*n {
			t.Fatal(n, out, err)
		}
	}
	c.Close()
	served.Wait()
}

func TestHTTP(t *testing.T) {
	l, err := pipe.Listen("http")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %d", r.Method, r.URL.Path, len(body))
	})}
	var served sync.WaitGroup
	served.Go(func() {
		if err := s.Serve(l); err != http.ErrServerClosed {
			t.Error(err)
		}
	})
	tr := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return pipe.Dial(ctx, "http") }}
	client := &http.Client{Transport: tr, Timeout: 20 * time.Second}
	for _, n := range []int{0, 10, 300 << 10} {
		resp, err := client.Post("http://shm/x", "text/plain", strings.NewReader(strings.Repeat("x", n)))
		if err != nil {
			t.Fatal(err)
		}
		got, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if want := fmt.Sprintf("POST /x %d", n); string(got) != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	tr.CloseIdleConnections()
	if err := s.Shutdown(soon(t)); err != nil {
		t.Error(err)
	}
	served.Wait()
	if _, err := pipe.Dial(bg, "http"); !errors.Is(err, fs.ErrNotExist) {
		t.Error("after Shutdown:", err)
	}
}

func TestCloseWrite(t *testing.T) {
	a, b := newPipe(t, 0)
	if _, err := a.Write([]byte("last")); err != nil {
		t.Fatal(err)
	}
	if err := a.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(b); string(got) != "last" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := a.Write([]byte("x")); !errors.Is(err, io.ErrClosedPipe) {
		t.Error("write behind CloseWrite:", err)
	}
	if err := b.SendBytes(bg, []byte("still")); err != nil {
		t.Fatal(err)
	}
	if m, err := a.RecvBytes(soon(t), nil); string(m) != "still" || err != nil {
		t.Errorf("%q, %v", m, err)
	}
}

// CloseWrite ends a call of another goroutine that waits.
func TestCloseWriteEndsAWait(t *testing.T) {
	a, b := newPipe(t, 4096)
	done := make(chan error, 1)
	go func() { _, err := a.Write(make([]byte, 64<<10)); done <- err }()
	buf := make([]byte, 100)
	if _, err := io.ReadFull(b, buf); err != nil {
		t.Fatal(err)
	}
	time.Sleep(20 * time.Millisecond)
	if err := a.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !errors.Is(err, io.ErrClosedPipe) {
		t.Error(err)
	}
	if _, err := io.Copy(io.Discard, b); err != nil {
		t.Error(err)
	}
}

func TestZeroAndClosed(t *testing.T) {
	a, _ := newPipe(t, 0)
	a.Close()
	for what, c := range map[string]*pipe.Conn{"zero": {}, "closed": a} {
		var v any
		for name, err := range map[string]error{
			"SendBytes": c.SendBytes(bg, nil), "Send": c.Send(bg, 1), "Recv": c.Recv(bg, &v), "TryRecv": c.TryRecv(&v),
			"RecvBytes": second(c.RecvBytes(bg, nil)), "Read": second(c.Read(nil)), "Write": second(c.Write(nil)),
			"MarshalText": second(c.MarshalText()), "Close": c.Close(), "Unlink": c.Unlink(), "CloseWrite": c.CloseWrite(),
			"SetDeadline": c.SetDeadline(time.Now()), "PeerCred": second(c.PeerCred()),
		} {
			if !errors.Is(err, os.ErrClosed) || !errors.Is(err, net.ErrClosed) {
				t.Errorf("%s of a %s handle: %v", name, what, err)
			}
		}
		c.Notify(make(chan struct{}, 1))()
		if c.Name() != "" || c.LocalAddr().Network() != "shm" {
			t.Error("name or address of a", what, "handle")
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestFarClose(t *testing.T) {
	a, b := newPipe(t, 0)
	for i := range 10 {
		if err := a.Send(bg, i); err != nil {
			t.Fatal(err)
		}
	}
	a.Close()
	for i := range 10 {
		var n int
		if err := b.Recv(soon(t), &n); n != i || err != nil {
			t.Fatal(i, n, err)
		}
	}
	var n int
	for range 3 {
		if err := b.Recv(soon(t), &n); err != io.EOF {
			t.Fatal(err)
		}
		if err := b.TryRecv(&n); err != io.EOF {
			t.Fatal(err)
		}
	}
	for name, err := range map[string]error{"Send": b.Send(bg, 1), "SendBytes": b.SendBytes(bg, nil), "Write": second(b.Write([]byte{1}))} {
		if !errors.Is(err, syscall.EPIPE) || !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whoever waits is told of a Close, here or there, at once: well within a slice, or the test would not notice either.
func TestCloseWakes(t *testing.T) {
	for _, where := range []string{"near", "far"} {
		a, b := newPipe(t, 4096)
		var wait sync.WaitGroup
		errs := make([]error, 3)
		wait.Go(func() { _, errs[0] = a.RecvBytes(bg, nil) })
		wait.Go(func() { _, errs[1] = a.RecvBytes(bg, nil) }) // waits for its turn
		wait.Go(func() {
			for errs[2] == nil {
				errs[2] = a.SendBytes(bg, make([]byte, 1000))
			}
		})
		time.Sleep(30 * time.Millisecond)
		if where == "near" {
			a.Close()
		} else {
			b.Close()
		}
		wait.Wait()
		want := []error{os.ErrClosed, os.ErrClosed, os.ErrClosed}
		if where == "far" {
			want = []error{io.EOF, io.EOF, syscall.EPIPE}
		}
		for i, err := range errs {
			if !errors.Is(err, want[i]) {
				t.Errorf("%s close, %d: %v", where, i, err)
			}
		}
	}
}

// Many goroutines on both ends, closed in the midst of it.
func TestRaces(t *testing.T) {
	for range 20 {
		a, b := newPipe(t, 4096)
		var wait sync.WaitGroup
		for _, c := range []*pipe.Conn{a, b} {
			for range 2 {
				wait.Go(func() {
					for c.SendBytes(bg, make([]byte, 300)) == nil {
					}
				})
				wait.Go(func() {
					for {
						if _, err := c.RecvBytes(bg, nil); err != nil {
							return
						}
					}
				})
			}
			wait.Go(func() {
				ch := make(chan struct{}, 1)
				stop := c.Notify(ch)
				c.SetDeadline(time.Now().Add(time.Hour))
				c.MarshalText()
				c.PeerCred()
				stop()
			})
		}
		time.Sleep(time.Millisecond)
		wait.Go(func() { a.Close() })
		wait.Go(func() { b.Close() })
		wait.Wait()
	}
}

func TestNotify(t *testing.T) {
	a, b := newPipe(t, 0)
	ch := make(chan struct{}, 1)
	stop := b.Notify(ch)
	defer stop()
	next := func() {
		t.Helper()
		select {
		case <-ch:
		case <-time.After(20 * time.Second):
			t.Fatal("no token")
		}
	}
	for i := range 3 {
		a.Send(bg, i)
		next()
		var n int
		for err := b.TryRecv(&n); err != pipe.ErrEmpty; err = b.TryRecv(&n) {
			if err != nil || n != i {
				t.Fatal(n, err)
			}
		}
	}
	a.Close()
	next()
	var n int
	if err := b.TryRecv(&n); err != io.EOF {
		t.Fatal(err)
	}
}

func TestConfig(t *testing.T) {
	for _, capacity := range []int{-1, 1<<38 + 1} {
		if _, _, err := (pipe.Config{Cap: capacity}).New(); err == nil {
			t.Error("a capacity of", capacity)
		}
	}
	a, _ := newPipe(t, 0)
	text, err := a.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"", "x", string(text[:len(text)-2]), string(text[:len(text)-1]) + "2", "/0", string(text[:len(text)-3]) + "/0"} {
		if err := new(pipe.Conn).UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("handle text %q", bad)
		}
	}
	if err := a.UnmarshalText(text); !errors.Is(err, fs.ErrInvalid) {
		t.Error("into an open handle:", err)
	}
}

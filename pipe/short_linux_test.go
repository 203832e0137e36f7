package pipe_test

import (
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/pipe"
)

// A server that has no descriptor left until it is told.
var _ = proctest.Register("short server", func(args []string) int {
	l, err := pipe.Listen("short")
	if err != nil {
		proctest.Say(err.Error())
		return 1
	}
	defer l.Close()
	time.Sleep(time.Millisecond) // the runtime opens what it needs for timers
	limit := syscall.Rlimit{Cur: 64, Max: 64}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		proctest.Say(err.Error())
		return 1
	}
	var full []int
	for {
		fd, err := syscall.Dup(0)
		if err != nil {
			break
		}
		full = append(full, fd)
	}
	proctest.Say("full")
	proctest.Hear()
	_, err = l.Accept()
	var ne net.Error
	//lint:ignore SA1019 it is what net/http asks for
	if !errors.As(err, &ne) || ne != err || !ne.Temporary() || ne.Timeout() || !errors.Is(err, syscall.EMFILE) {
		proctest.Say("not temporary: " + err.Error())
		return 1
	}
	proctest.Say("temporary")
	server := http.Server{Handler: http.NotFoundHandler(), ErrorLog: log.New(io.Discard, "", 0)}
	go server.Serve(l)
	time.Sleep(20 * time.Millisecond)
	for _, fd := range full {
		syscall.Close(fd)
	}
	proctest.Hear()
	return 0
})

// No descriptor is left to who accepts: who dials waits until there is one again.
func TestShortOfDescriptors(t *testing.T) {
	p := proctest.Start(t, "short server")
	p.Expect("full")
	type dialed struct {
		c   *pipe.Conn
		err error
	}
	done := make(chan dialed, 1)
	go func() {
		c, err := pipe.Dial(soon(t), "short")
		done <- dialed{c, err}
	}()
	p.Send("accept")
	p.Expect("temporary")
	d := <-done
	if d.err != nil {
		t.Fatal(d.err)
	}
	defer d.c.Close()
	if _, err := d.c.Write([]byte("GET / HTTP/1.0\r\n\r\n")); err != nil {
		t.Error(err)
	}
	d.c.SetReadDeadline(time.Now().Add(20 * time.Second))
	if n, err := d.c.Read(make([]byte, 100)); n == 0 {
		t.Error(err)
	}
	p.Send("end")
	if code := p.Wait(); code != 0 {
		t.Error(code)
	}
}

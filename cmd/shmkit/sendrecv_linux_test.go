package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/shmkit/shmkit/ringbuf"
	"github.com/shmkit/shmkit/shm"
)

// mailboxes gives a test a directory of names.
func mailboxes(t *testing.T) {
	t.Helper()
	t.Setenv("SHMKIT_DIR", t.TempDir())
}

// sends runs send with that input.
func sends(t *testing.T, input string, status int, args ...string) (log string) {
	t.Helper()
	p := start(t, append([]string{"send"}, args...)...)
	if _, err := io.WriteString(p.in, input); err != nil && !errors.Is(err, unix.EPIPE) {
		t.Fatal(err)
	}
	p.in.Close()
	p.ends(status)
	return p.log.String()
}

// receives runs recv, and fails unless it prints that.
func receives(t *testing.T, want string, args ...string) {
	t.Helper()
	if got := received(t, args...); got != want {
		t.Errorf("recv %q prints %q, want %q", args, got, want)
	}
}

// received is what recv prints, which may be much.
func received(t *testing.T, args ...string) string {
	t.Helper()
	p := start(t, append([]string{"recv"}, args...)...)
	out := p.reads()
	p.ends(0)
	if p.log.Len() > 0 {
		t.Errorf("recv %q says %q", args, p.log.String())
	}
	return strings.Join(<-out, "\n")
}

// numbers are n lines, from 1 on, each behind a word.
func numbers(word string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintln(&b, word, i+1)
	}
	return b.String()
}

func TestSendAndRecv(t *testing.T) {
	mailboxes(t)
	sends(t, "one\n\ntwo\nthree", 0, "--create", "jobs")
	sends(t, "four\n", 0, "jobs")
	receives(t, "one\n\ntwo\nthree", "--count", "4", "jobs")
	receives(t, "four", "jobs")
	receives(t, "", "jobs")
	many := numbers("n", 5000)
	p := start(t, "send", "jobs")
	go func() { io.WriteString(p.in, many); p.in.Close() }()
	receives(t, strings.TrimSuffix(many, "\n"), "-n", "5000", "jobs")
	p.ends(0)
}

// Whichever comes first may make the ring, and a message is what it was, whatever is in it.
func TestSendAndRecvFrames(t *testing.T) {
	mailboxes(t)
	q := start(t, "recv", "-c", "--capacity", "64K", "--frames", "--count", "2", "jobs")
	stream := string(new(recordFlags{frames: true}).append(new(recordFlags{frames: true}).append(nil, []byte("a\nb\x00")), nil))
	for !exists(t, "jobs") {
		time.Sleep(time.Millisecond)
	}
	sends(t, stream, 0, "--frames", "jobs")
	q.ends(0)
	if got := <-q.out + "\n" + <-q.out; got != stream {
		t.Errorf("%q comes as %q", stream, got)
	}
	sends(t, "a\nb\x00c\x00", 0, "--null", "jobs")
	receives(t, "a\nb\x00c\x00", "-0", "jobs")
	if log := sends(t, stream+"\x00\x00\x00\x05ab", 1, "--frames", "jobs"); !strings.Contains(log, "record 3") || !strings.Contains(log, "2 of 5 bytes") || !strings.Contains(log, "2 messages put") {
		t.Errorf("of a frame that is cut off it says %q", log)
	}
	receives(t, "a\nb\x00\n", "-n2", "jobs")
}

func exists(t *testing.T, name string) bool {
	t.Helper()
	_, out, _ := shmkit(t, "ls")
	return strings.Contains(out, name)
}

func TestSendAndRecvStatus(t *testing.T) {
	mailboxes(t)
	v, err := shm.OpenOrCreate[uint64]("number")
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	sends(t, "", 0, "--create", "--capacity", "8K", "jobs")
	for _, c := range []struct {
		args   string
		status int
		said   string
	}{
		{"send gone", exitNotFound, "--create"},
		{"recv gone", exitNotFound, "--create"},
		{"send", exitUsage, "arg"},
		{"recv a b", exitUsage, "arg"},
		{"recv --count 0 jobs", exitUsage, "1 or more"},
		{"send --capacity 0 -c jobs", exitUsage, "1 or more"},
		{"send --capacity much -c jobs", exitUsage, "64K"},
		{"recv --null --frames jobs", exitUsage, "null"},
		{"recv -w soon jobs", exitUsage, "want seconds"},
		{"send number", exitFailure, "number"},
		{"recv --create number", exitFailure, "number"},
		{"recv --capacity 16K jobs", exitFailure, "capacity"},
		{"send --create --capacity 16K jobs", exitFailure, "capacity"},
		{"send --max-message 8K jobs", exitFailure, "longest"},
		{"send --create --max-message 16K --capacity 8K more", exitFailure, "capacity"},
		{"send --create --max-message 2M large", exitOK, ""},
		{"send --capacity 16M large", exitOK, ""},
		{"send --create --capacity 8K jobs", exitOK, ""},
		{"send --create jobs", exitOK, ""},
		{"recv jobs", exitOK, ""},
		{"recv --timeout 0 jobs", exitOK, ""},
		{"recv --follow --timeout 10ms jobs", exitOK, ""},
		{"recv --timeout 10ms --count 1 jobs", exitTooFew, ""},
		{"send --shutdown jobs", exitOK, ""},
		{"recv --follow jobs", exitOK, ""},
		{"recv --count 1 jobs", exitTooFew, ""},
	} {
		if out, log := does(t, c.status, strings.Fields(c.args)...); !strings.Contains(log, c.said) || (log == "") != (c.said == "") || out != "" {
			t.Errorf("%q prints %q and says %q, want %q", c.args, out, log, c.said)
		}
	}
	if log := sends(t, "x\n", exitFailure, "jobs"); !strings.Contains(log, "shut down") || !strings.Contains(log, "shmkit rm jobs") {
		t.Errorf("of a ring that is shut down it says %q", log)
	}
}

func TestSendWhatDoesNotFit(t *testing.T) {
	mailboxes(t)
	long := strings.Repeat("x", 100<<10) + "\n"
	log := sends(t, "one\n"+long+"two\n", exitFailure, "--create", "--capacity", "64K", "jobs")
	if !strings.Contains(log, "line 2") || !strings.Contains(log, "8192 bytes") || !strings.Contains(log, "too large") || !strings.Contains(log, "1 message put") {
		t.Errorf("of a line that is too long it says %q", log)
	}
	receives(t, "one", "jobs")
	// A ring that is full stays full.
	all := numbers(strings.Repeat("n", 1000), 1000)
	if log := sends(t, all, exitTooFew, "--timeout", ".1", "jobs"); log != "" {
		t.Errorf("it says %q", log)
	}
	out := received(t, "jobs")
	if got := strings.Count(out, "\n") + 1; got < 10 || !strings.HasPrefix(all, out+"\n") {
		t.Errorf("of 1000 long lines in 64 KiB %d come back", got)
	}
}

func TestRecvFollows(t *testing.T) {
	mailboxes(t)
	p := start(t, "send", "-c", "--shutdown", "jobs")
	io.WriteString(p.in, "one\n")
	q := start(t, "recv", "-c", "--follow", "jobs")
	q.wants("one")
	io.WriteString(p.in, "two\nthree\n")
	q.wants("two")
	q.wants("three")
	p.in.Close()
	p.ends(0)
	q.ends(0)
	receives(t, "", "--follow", "jobs")
}

// Two programs and a shell share a ring.
func TestSendAndRecvFromGo(t *testing.T) {
	mailboxes(t)
	r, err := ringbuf.OpenOrCreateMPMC[[]byte]("jobs", 64<<10)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.Put(t.Context(), []byte("from go")); err != nil {
		t.Fatal(err)
	}
	receives(t, "from go", "--count", "1", "jobs")
	sends(t, "from a shell\n", 0, "jobs")
	if b, err := r.TryGet(); err != nil || string(b) != "from a shell" {
		t.Errorf("it gets %q, %v", b, err)
	}
}

// A receiver that is told to stop has printed what it has taken out.
func TestRecvIsInterrupted(t *testing.T) {
	mailboxes(t)
	sends(t, "one\n", 0, "-c", "jobs")
	for _, sig := range []syscall.Signal{unix.SIGINT, unix.SIGTERM, unix.SIGHUP} {
		q := start(t, "recv", "-f", "jobs")
		q.wants("one")
		q.signal(sig)
		q.ends(-int(sig))
		if q.log.Len() > 0 {
			t.Errorf("%v: it says %q", sig, q.log.String())
		}
		sends(t, "one\n", 0, "jobs")
	}
	p := start(t, "send", "jobs") // in a read that does not end
	io.WriteString(p.in, "two\n")
	receives(t, "one\ntwo", "-n", "2", "jobs")
	p.signal(unix.SIGINT)
	p.ends(-int(unix.SIGINT))
	receives(t, "", "jobs")
}

// Nobody reads what it writes. It ends all the same, and what it had in hand goes to another.
func TestRecvIsInterruptedAsItWrites(t *testing.T) {
	mailboxes(t)
	const n = 1500
	sends(t, numbers(strings.Repeat("n", 100), n), 0, "-c", "--capacity", "4M", "jobs") // which has room for 2000
	q := start(t, "recv", "-f", "jobs")                                                 // whose output is read for 100 lines and what a pipe holds
	q.wants(strings.Repeat("n", 100) + " 1")
	for end := time.Now().Add(patience); len(q.out) < cap(q.out) && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(100 * time.Millisecond) // by now it stands in a write, or will
	q.signal(unix.SIGTERM)
	q.ends(-int(unix.SIGTERM))
	out := received(t, "jobs")
	seen := map[string]bool{strings.Repeat("n", 100) + " 1": true}
	for l := range q.out {
		seen[l] = true
	}
	for l := range strings.SplitSeq(out, "\n") {
		seen[l] = true
	}
	for i := range n {
		if l := fmt.Sprint(strings.Repeat("n", 100), " ", i+1); !seen[l] {
			t.Fatalf("message %d of %d is lost", i+1, n)
		}
	}
}

// The reader of its output goes: it ends by SIGPIPE, as any filter, and the message that it could not print comes again.
func TestRecvWithoutAReader(t *testing.T) {
	mailboxes(t)
	sends(t, "one\n", 0, "-c", "jobs")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := shmkitCommand(t, "recv", "-f", "jobs")
	cmd.Stdout = w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	b := make([]byte, 10)
	if n, err := r.Read(b); err != nil || string(b[:n]) != "one\n" {
		t.Errorf("it prints %q, %v", b[:n], err)
	}
	r.Close()
	sends(t, "two\nthree\n", 0, "jobs")
	var ended *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &ended) || ended.Sys().(syscall.WaitStatus).Signal() != unix.SIGPIPE {
		t.Errorf("it ends with %v, want SIGPIPE", err)
	}
	out := received(t, "jobs")
	if out != "two\nthree" && out != "three\ntwo" { // what comes again comes out of order
		t.Errorf("the next one gets %q", out)
	}
	// An output that cannot be written, without a signal.
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("there is no full device: ", err)
	}
	defer full.Close()
	sends(t, "four\n", 0, "jobs")
	cmd = shmkitCommand(t, "recv", "jobs")
	var log strings.Builder
	cmd.Stdout, cmd.Stderr = full, &log
	if err := cmd.Run(); !errors.As(err, &ended) || ended.ExitCode() != exitFailure || !strings.Contains(log.String(), "no space") {
		t.Errorf("it ends with %v, and says %q", err, log.String())
	}
	receives(t, "four", "jobs")
}

// A person sees a rate, on standard error only, and it goes at the end.
func TestRateIsForPeople(t *testing.T) {
	mailboxes(t)
	sends(t, "", 0, "-c", "jobs")
	keyboard, tty := terminal(t)
	cmd := shmkitCommand(t, "recv", "-f", "jobs")
	cmd.Stderr = tty
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	sends(t, "one\n", 0, "jobs")
	var seen strings.Builder
	for b := make([]byte, 1000); !strings.Contains(seen.String(), "messages/s"); {
		keyboard.SetReadDeadline(time.Now().Add(patience))
		n, err := keyboard.Read(b)
		if err != nil {
			t.Fatalf("on the terminal is %q, then %v", seen.String(), err)
		}
		seen.Write(b[:n])
	}
	if !strings.Contains(seen.String(), "received") {
		t.Errorf("on the terminal is %q", seen.String())
	}
	sends(t, "", 0, "--shutdown", "jobs")
	text, err := io.ReadAll(out)
	if err != nil || string(text) != "one\n" {
		t.Errorf("it prints %q, %v", text, err)
	}
	if err := cmd.Wait(); err != nil {
		b := make([]byte, 10000)
		n, _ := keyboard.Read(b)
		t.Errorf("it ends with %v: %s", err, b[:n])
	}
}

func TestMailboxCompletion(t *testing.T) {
	objects(t)
	sends(t, "", 0, "-c", "app.jobs")
	for args, want := range map[string]string{
		"__complete send app":        "app.jobs mpmc :4",
		"__complete recv -f app":     "app.jobs mpmc :4",
		"__complete recv app.jobs a": ":4",
	} {
		var out strings.Builder
		if code := run(strings.Fields(args), &out, new(strings.Builder)); code != exitOK || fields(out.String()) != want {
			t.Errorf("%s gives %q and ends with %d, want %q", args, fields(out.String()), code, want)
		}
	}
}

package inspect

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/ringbuf"
	"github.com/shmkit/shmkit/shm"
)

// shown is what Show says of a name, one space between words.
func shown(t *testing.T, name string) string {
	t.Helper()
	var b bytes.Buffer
	if err := Show(&b, name); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for l := range strings.Lines(b.String()) {
		lines = append(lines, strings.Join(strings.Fields(l), " "))
	}
	return strings.Join(lines, "\n") + "\n"
}

// me is how this process is named.
func me() string { return process{pid: os.Getpid(), command: command(os.Getpid())}.String() }

// want fails unless text has all those lines.
func want(t *testing.T, text string, lines ...string) {
	t.Helper()
	for _, l := range lines {
		if !strings.Contains(text, l) {
			t.Errorf("it does not say %q:\n%s", l, text)
		}
	}
}

func TestShowVar(t *testing.T) {
	t.Setenv("SHMKIT_DIR", t.TempDir())
	type pair struct{ A, B uint32 }
	v, err := shm.OpenOrCreate[pair]("app.pair")
	if err != nil {
		t.Fatal(err)
	}
	*v.Ptr() = pair{1, 0xff}
	text := shown(t, "app.pair")
	want(t, text, "name app.pair\n", "kind var\n", ":A:", "element 8 bytes, aligned to 4\n", "in use by 1 processes")
	if !strings.Contains(text, "01 00 00 00 ff 00 00 00") && !strings.Contains(text, "00 00 00 01 00 00 00 ff") {
		t.Errorf("its bytes are not shown:\n%s", text)
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	want(t, shown(t, "app.pair"), "in use no\n")
}

func TestShowRing(t *testing.T) {
	t.Setenv("SHMKIT_DIR", t.TempDir())
	r, err := ringbuf.OpenOrCreateSPSC[uint64]("app.ring", 64)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	want(t, shown(t, "app.ring"), "kind spsc\n", "capacity 64 items\n", "in the ring 0\n", "producer nobody\n", "consumer nobody\n")
	p, err := r.Producer()
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint64(5) {
		if err := p.Put(t.Context(), i); err != nil {
			t.Fatal(err)
		}
	}
	text := shown(t, "app.ring")
	want(t, text, "in the ring 5\n", ", alive, "+me()+"\nconsumer nobody\n")
	if strings.Contains(text, "shut down") {
		t.Error("it says that the ring is shut down")
	}
	if err := r.Shutdown(); err != nil {
		t.Fatal(err)
	}
	want(t, shown(t, "app.ring"), "shut down no more items will come\n")
}

func TestShowMessages(t *testing.T) {
	t.Setenv("SHMKIT_DIR", t.TempDir())
	r, err := ringbuf.OpenOrCreateSPSC[[]byte]("app.messages", 4096)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p, err := r.Producer()
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := p.Put(t.Context(), []byte("hello")); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	want(t, shown(t, "app.messages"), "capacity 4096 bytes of messages\n", "in the ring 3\n", "put, got 3, 0\n", "producer nobody\n")
	c, err := r.Consumer()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	want(t, shown(t, "app.messages"), "consumer closed by its last holder\n")
}

func TestShowWhatIsNotThere(t *testing.T) {
	t.Setenv("SHMKIT_DIR", t.TempDir())
	if err := Show(new(bytes.Buffer), "no"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a name that is not there: %v", err)
	}
}

// What a stranger wrote is shown or named, and crashes nobody.
func TestHostile(t *testing.T) {
	for _, n := range []int{0, 1, 100, 1 << 12} {
		o := Object{Payload: bytes.Repeat([]byte{0xff}, n), Users: new(users)}
		o.Header.Kind = abi.KindSPSC
		for _, p := range []printer{printSPSC, printBytes, printHeader0} {
			p(new(bytes.Buffer), o)
		}
	}
	var b bytes.Buffer
	printSPSC(&b, Object{Payload: make([]byte, 8), Users: new(users)})
	want(t, b.String(), "too short")
}

func printHeader0(w io.Writer, o Object) { printHeader(w, "x", o); o.Users.print(w) }

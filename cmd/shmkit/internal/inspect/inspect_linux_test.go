package inspect

import (
	"bytes"
	"errors"
	"fmt"
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

func TestShowMPMC(t *testing.T) {
	t.Setenv("SHMKIT_DIR", t.TempDir())
	r, err := ringbuf.OpenOrCreateMPMC[int32]("app.crowd", 8)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	want(t, shown(t, "app.crowd"), "kind mpmc\n", "capacity 8 items\n", "in the ring 0\n")
	for i := range int32(4) {
		if err := r.TryPut(i); err != nil {
			t.Fatal(err)
		}
	}
	taken, err1 := r.Take(t.Context())
	slot, err2 := r.Reserve(t.Context())
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	want(t, shown(t, "app.crowd"), "in the ring 3\n", "read in place ", "being put, or reserved ", "alive, "+me())
	taken.Release()
	slot.Abort()
	text := shown(t, "app.crowd")
	want(t, text, "in the ring 3\n", "being put, or reserved nobody\n")
	if strings.Contains(text, "read in place") || strings.Contains(text, "shut down") {
		t.Errorf("it says what is over, or not yet:\n%s", text)
	}
	if err := r.Shutdown(); err != nil {
		t.Fatal(err)
	}
	want(t, shown(t, "app.crowd"), "shut down no more items will come\n")
}

// As many messages as a ring takes are as many as show finds.
func TestShowMail(t *testing.T) {
	t.Setenv("SHMKIT_DIR", t.TempDir())
	for _, c := range []ringbuf.MPMCConfig[[]byte]{{Cap: 1 << 12}, {Cap: 1 << 12, MaxMessage: 1}, {Cap: 1 << 12, MaxMessage: 1 << 12}, {Cap: 5000, MaxMessage: 777}} {
		r, err := c.Create("app.mail")
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for r.TryPut([]byte{1}) == nil {
			n++
		}
		want(t, shown(t, "app.mail"), fmt.Sprintf("slots %d\n", n), fmt.Sprintf("in the ring %d\n", n),
			fmt.Sprintf("capacity %d bytes of messages, of at most %d\n", c.Cap, r.MaxMessage()))
		if err := errors.Join(r.Unlink(), r.Close()); err != nil {
			t.Fatal(err)
		}
	}
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
		for _, p := range []printer{printSPSC, printMPMC, printBroadcast, printBytes, printHeader0} {
			p(new(bytes.Buffer), o)
		}
	}
	var b bytes.Buffer
	printSPSC(&b, Object{Payload: make([]byte, 8), Users: new(users)})
	want(t, b.String(), "too short")
}

func printHeader0(w io.Writer, o Object) { printHeader(w, "x", o); o.Users.print(w) }

func TestShowBroadcast(t *testing.T) {
	t.Setenv("SHMKIT_DIR", t.TempDir())
	b, err := ringbuf.OpenOrCreateBroadcast[uint64]("app.cast", 16)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	want(t, shown(t, "app.cast"), "kind broadcast\n", "capacity 16 items\n", "slow subscribers are waited for\n", "still there 0 places\n", "publisher nobody\n")
	p, err1 := b.Publisher()
	quick, err2 := b.Subscribe(ringbuf.Latest)
	slow, err3 := b.Subscribe(ringbuf.Latest)
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	for i := range uint64(5) {
		if err := p.Put(t.Context(), i); err != nil {
			t.Fatal(err)
		}
		if _, err := quick.Get(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	text := shown(t, "app.cast")
	want(t, text, "still there 5 places\n", "publisher ", "alive, "+me()+"\n", "subscriber 0 ", me()+", 0 items behind\n", "subscriber 1 ", me()+", 5 items behind\n")
	if strings.Contains(text, "subscriber 2") || strings.Contains(text, "shut down") {
		t.Errorf("it says what is not so:\n%s", text)
	}
	if err := errors.Join(slow.Close(), b.Shutdown()); err != nil {
		t.Fatal(err)
	}
	text = shown(t, "app.cast")
	want(t, text, "shut down no more items will come\n", "subscriber 0 ")
	if strings.Contains(text, "subscriber 1") {
		t.Errorf("it shows one that has left:\n%s", text)
	}
}

func TestShowBroadcastOverrun(t *testing.T) {
	t.Setenv("SHMKIT_DIR", t.TempDir())
	b, err := ringbuf.BroadcastConfig[[]byte]{Cap: 1 << 10, Overrun: true}.Create("app.cast")
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	p, err1 := b.Publisher()
	s, err2 := b.Subscribe(ringbuf.Latest)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if err := p.TryPut(make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
	}
	_, err = s.TryGet()
	m := new(ringbuf.MissedError)
	if !errors.As(err, &m) {
		t.Fatal(err)
	}
	want(t, shown(t, "app.cast"), "capacity 1024 bytes of messages\n", fmt.Sprintf("slow subscribers are overrun; missed %d\n", m.N), " bytes of messages behind\n")
}

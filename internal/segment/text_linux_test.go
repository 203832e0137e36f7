package segment

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/owner"
	"github.com/shmkit/shmkit/internal/proctest"
)

var _ = proctest.Register("open text", func(args []string) int {
	s, err := FromText([]byte(args[0]), plain(0))
	if err != nil {
		proctest.Say(strings.ReplaceAll(err.Error(), "\n", " "))
		return 1
	}
	s.Payload()[0]++
	proctest.Say("done")
	proctest.Hear()
	return 0
})

func TestTextInAnotherProcess(t *testing.T) {
	u, err := New(plain(8), Mem{})
	u = must(t, u, err)
	for _, s := range []*Segment{u, mustCreate(t, "text", plain(8))} {
		text, err := s.Text()
		if err != nil {
			t.Fatal(err)
		}
		p := proctest.Start(t, "open text", string(text))
		p.Expect("done")
		if s.Payload()[0] != 1 {
			t.Errorf("%s: it has opened something else", text)
		}
		if ids, err := owner.Living(s.m.query); err != nil || len(ids) != 2 {
			t.Errorf("%s: %d processes alive, %v", text, len(ids), err)
		}
		p.Kill()
		if ids, err := owner.Living(s.m.query); err != nil || len(ids) != 1 || ids[0] != owner.ID() {
			t.Errorf("%s: %v alive, %v", text, ids, err)
		}
		s.Close()
		if s.path != "" {
			os.Remove(s.path)
		}
		p = proctest.Start(t, "open text", string(text))
		if got := p.Recv(); !strings.Contains(got, "ask for a new handle") { // the number may be in use again
			t.Errorf("%s: opened after its end: %s", text, got)
		}
		p.Wait()
	}
}

// Descriptor numbers and names are used again; the id tells.
func TestTextOfAnother(t *testing.T) {
	a, err := New(plain(8), Mem{})
	a = must(t, a, err)
	text, err := a.Text()
	if err != nil {
		t.Fatal(err)
	}
	fd := a.m.query
	a.Close()
	b, err := New(plain(8), Mem{})
	b = must(t, b, err)
	if b.m.query != fd {
		t.Fatalf("the number was not used again: %d, %d", b.m.query, fd)
	}
	i := bytes.IndexByte(text, '#')
	bText, err := b.Text()
	if err != nil || !bytes.Equal(bText[:i], text[:i]) {
		t.Fatalf("%s, %s, %v", bText, text, err)
	}
	_, err = FromText(text, plain(0))
	wantMismatch(t, err, "id", string(bText[i+1:]), string(text[i+1:]))

	n := mustCreate(t, "again", plain(8))
	text, _ = n.Text()
	n.Unlink()
	m := mustCreate(t, "again", plain(8))
	mText, _ := m.Text()
	i = bytes.IndexByte(text, '#')
	_, err = FromText(text, plain(0))
	wantMismatch(t, err, "id", string(mText[i+1:]), string(text[i+1:]))

	f, err := os.CreateTemp(directory(t), "plain")
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	_, err = FromText([]byte("/proc/"+strconv.Itoa(os.Getpid())+"/fd/"+strconv.Itoa(int(f.Fd()))+string(text[i:])), plain(0))
	wantErr(t, err, abi.ErrForeign, "sealed")
}

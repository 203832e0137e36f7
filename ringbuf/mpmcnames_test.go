package ringbuf_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/shmkit/shmkit/ringbuf"
	"github.com/shmkit/shmkit/shm"
)

func TestMPMCNames(t *testing.T) {
	r, err := ringbuf.OpenOrCreateMPMC[int32]("crowd", 10)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer r.Unlink()
	if r.Cap() != 10 || r.Name() != "crowd" {
		t.Errorf("Cap %d, Name %q", r.Cap(), r.Name())
	}
	if _, err := ringbuf.OpenMPMC[int32]("none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no such name: %v", err)
	}
	if _, err := (ringbuf.MPMCConfig[int32]{}).Create("crowd"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Create: %v", err)
	}
	o, err := ringbuf.OpenOrCreateMPMC[int32]("crowd", 0)
	if err != nil || o.Cap() != 10 {
		t.Fatalf("capacity left open: %v", err)
	}
	// The name goes, the ring stays with who has it open.
	if err := o.Unlink(); err != nil {
		t.Error(err)
	}
	if err := o.Unlink(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a second Unlink: %v", err)
	}
	if err := o.TryPut(1); err != nil {
		t.Error(err)
	}
	if v, err := r.TryGet(); v != 1 || err != nil {
		t.Errorf("after Unlink it gets %d, %v", v, err)
	}
	o.Close()
	if _, err := ringbuf.OpenMPMC[int32]("crowd"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after Unlink: %v", err)
	}
}

// A Config that does not agree with what is there is told what, and both values; nothing changes.
func TestMPMCDisagreements(t *testing.T) {
	items, err := ringbuf.OpenOrCreateMPMC[int32]("crowd", 10)
	if err != nil {
		t.Fatal(err)
	}
	defer items.Close()
	defer items.Unlink()
	mail, err := ringbuf.OpenOrCreateMPMC[[]byte]("crowd.mail", 1<<16)
	if err != nil {
		t.Fatal(err)
	}
	defer mail.Close()
	defer mail.Unlink()
	two, err := ringbuf.OpenOrCreateSPSC[int32]("crowd.two", 10)
	if err != nil {
		t.Fatal(err)
	}
	defer two.Close()
	defer two.Unlink()
	type renamed struct{ X int32 }
	for _, c := range []struct {
		what       string
		open       func() (interface{ Close() error }, error)
		have, want string
	}{
		{"capacity", func() (interface{ Close() error }, error) { return ringbuf.OpenOrCreateMPMC[int32]("crowd", 11) }, "10", "11"},
		{"capacity", func() (interface{ Close() error }, error) {
			return ringbuf.MPMCConfig[int32]{Cap: 9}.Open("crowd")
		}, "10", "9"},
		{"", func() (interface{ Close() error }, error) { return ringbuf.OpenMPMC[int64]("crowd") }, "", ""},
		{"", func() (interface{ Close() error }, error) { return ringbuf.OpenMPMC[renamed]("crowd") }, "", ""},
		{"", func() (interface{ Close() error }, error) { return ringbuf.OpenMPMC[[]byte]("crowd") }, "", ""},
		{"kind", func() (interface{ Close() error }, error) { return ringbuf.OpenSPSC[int32]("crowd") }, "mpmc", "spsc"},
		{"kind", func() (interface{ Close() error }, error) { return ringbuf.OpenMPMC[int32]("crowd.two") }, "spsc", "mpmc"},
		{"capacity", func() (interface{ Close() error }, error) {
			return ringbuf.OpenOrCreateMPMC[[]byte]("crowd.mail", 1<<17)
		}, "65536", "131072"},
		{"longest message", func() (interface{ Close() error }, error) {
			return ringbuf.MPMCConfig[[]byte]{MaxMessage: 100}.Open("crowd.mail")
		}, "8192", "100"},
		{"", func() (interface{ Close() error }, error) { return ringbuf.OpenMPMC[byte]("crowd.mail") }, "", ""},
	} {
		h, err := c.open()
		var m *shm.MismatchError
		if !errors.As(err, &m) || c.what != "" && m.What != c.what {
			t.Errorf("%s: %v", c.what, err)
			if err == nil {
				h.Close()
			}
			continue
		}
		if text := err.Error(); !strings.Contains(text, "crowd") || !strings.Contains(text, c.have) || !strings.Contains(text, c.want) {
			t.Errorf("it says %q, and not both %s and %s", text, c.have, c.want)
		}
	}
	if err := items.TryPut(1); err != nil || items.Cap() != 10 || items.Len() != 1 {
		t.Errorf("the ring has suffered: %v, %d of %d", err, items.Len(), items.Cap())
	}
}

func TestMPMCConfigRefuses(t *testing.T) {
	for _, bad := range []int{-1, 1 << 62} {
		if _, err := ringbuf.NewMPMC[int32](bad); err == nil || !strings.Contains(err.Error(), "capacity") {
			t.Errorf("capacity %d: %v", bad, err)
		}
	}
	if _, err := ringbuf.NewMPMC[string](1); err == nil {
		t.Error("a ring of strings")
	}
	for _, name := range []string{"", "a/b", ".", "..", strings.Repeat("n", 300)} {
		if r, err := ringbuf.OpenOrCreateMPMC[int32](name, 1); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("the name %q: %v", name, err)
			if err == nil {
				r.Unlink()
				r.Close()
			}
		}
	}
}

// handles is an argument with rings in it.
type handles struct {
	Jobs *ringbuf.MPMC[int32]
	Mail *ringbuf.MPMC[[]byte]
	None *ringbuf.MPMC[int32]
}

// A handle that has been through a codec is open on the same ring; both kinds, with a name and without.
func TestMPMCHandlesTravel(t *testing.T) {
	named, err := ringbuf.OpenOrCreateMPMC[int32]("crowd", 4)
	if err != nil {
		t.Fatal(err)
	}
	defer named.Close()
	defer named.Unlink()
	for _, jobs := range []*ringbuf.MPMC[int32]{named, newMPMC[int32](t, 4)} {
		mail := newMPMC[[]byte](t, 1<<10)
		for codec, trip := range map[string]func(t *testing.T, in handles) (handles, error){"text": throughText, "json": throughJSON, "gob": throughGob} {
			t.Run(codec, func(t *testing.T) {
				out, err := trip(t, handles{Jobs: jobs, Mail: mail})
				if err != nil {
					t.Fatal(err)
				}
				defer out.Jobs.Close()
				defer out.Mail.Close()
				if err := errors.Join(jobs.TryPut(7), mail.TryPut([]byte("hello"))); err != nil {
					t.Fatal(err)
				}
				if v, err := out.Jobs.TryGet(); v != 7 || err != nil {
					t.Errorf("of items it gets %d, %v", v, err)
				}
				if b, err := out.Mail.TryGet(); string(b) != "hello" || err != nil {
					t.Errorf("of messages it gets %q, %v", b, err)
				}
				if out.None != nil {
					t.Error("no handle has become one")
				}
				if out.Jobs.Name() != jobs.Name() {
					t.Errorf("its name is %q, and was %q", out.Jobs.Name(), jobs.Name())
				}
			})
		}
	}
}

func throughText(t *testing.T, in handles) (out handles, err error) {
	out = handles{Jobs: new(ringbuf.MPMC[int32]), Mail: new(ringbuf.MPMC[[]byte])}
	a, err1 := in.Jobs.MarshalText()
	b, err2 := in.Mail.MarshalText()
	return out, errors.Join(err1, err2, out.Jobs.UnmarshalText(a), out.Mail.UnmarshalText(b))
}

func throughJSON(t *testing.T, in handles) (out handles, err error) {
	b, err := json.Marshal(in)
	if err != nil {
		return out, err
	}
	return out, json.Unmarshal(b, &out)
}

// throughGob sends their texts: package gob asks nobody for a text by itself.
func throughGob(t *testing.T, in handles) (out handles, err error) {
	type texts struct{ Jobs, Mail []byte }
	var sent, got texts
	var err1, err2 error
	sent.Jobs, err1 = in.Jobs.MarshalText()
	sent.Mail, err2 = in.Mail.MarshalText()
	var b bytes.Buffer
	err = errors.Join(err1, err2, gob.NewEncoder(&b).Encode(sent), gob.NewDecoder(&b).Decode(&got))
	out = handles{Jobs: new(ringbuf.MPMC[int32]), Mail: new(ringbuf.MPMC[[]byte])}
	return out, errors.Join(err, out.Jobs.UnmarshalText(got.Jobs), out.Mail.UnmarshalText(got.Mail))
}

// A text that stands for something else, or for nothing, opens nothing.
func TestMPMCTextsAreChecked(t *testing.T) {
	r := newMPMC[int32](t, 4)
	text, err := r.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	var m *shm.MismatchError
	if err := new(ringbuf.MPMC[int64]).UnmarshalText(text); !errors.As(err, &m) {
		t.Errorf("as a ring of another T: %v", err)
	}
	if err := new(ringbuf.MPMC[[]byte]).UnmarshalText(text); !errors.As(err, &m) {
		t.Errorf("as a ring of messages: %v", err)
	}
	if err := new(ringbuf.SPSC[int32]).UnmarshalText(text); !errors.As(err, &m) {
		t.Errorf("as a ring of two: %v", err)
	}
	if err := r.UnmarshalText(text); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("into an open handle: %v", err)
	}
	gone := newMPMC[int32](t, 4)
	stale, err := gone.MarshalText()
	if err := errors.Join(err, gone.Close()); err != nil {
		t.Fatal(err)
	}
	for _, bad := range [][]byte{nil, []byte("nonsense"), text[:len(text)-1], stale[:0]} {
		z := new(ringbuf.MPMC[int32])
		if err := z.UnmarshalText(bad); err == nil {
			t.Errorf("%q opens something", bad)
			z.Close()
		}
		if err := z.TryPut(1); err != os.ErrClosed {
			t.Errorf("the handle that failed on %q: %v", bad, err)
		}
	}
	if _, err := new(ringbuf.MPMC[int32]).MarshalText(); err != os.ErrClosed {
		t.Errorf("the text of a zero handle: %v", err)
	}
	if _, err := json.Marshal(handles{Jobs: new(ringbuf.MPMC[int32])}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("the JSON of a zero handle: %v", err)
	}
}

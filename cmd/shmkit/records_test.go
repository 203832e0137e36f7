package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/shmkit/shmkit/ringbuf"
)

// records takes a stream apart, with a small buffer.
func records(f recordFlags, in io.Reader, most int) (all []string, err error) {
	r := recordReader{recordFlags: f, in: bufio.NewReaderSize(in, 16), most: most}
	for {
		b, err := r.next()
		if err != nil {
			return all, err
		}
		all = append(all, string(b))
	}
}

func TestRecords(t *testing.T) {
	const most = 40
	long, full := strings.Repeat("x", most+1), strings.Repeat("y", most)
	null, frames := recordFlags{null: true}, recordFlags{frames: true}
	for _, c := range []struct {
		f    recordFlags
		in   string
		want []string
		err  error
	}{
		{recordFlags{}, "", nil, io.EOF},
		{recordFlags{}, "a\n\nb\r\n", []string{"a", "", "b\r"}, io.EOF},
		{recordFlags{}, "a\nb", []string{"a", "b"}, io.EOF},
		{recordFlags{}, full + "\n" + full, []string{full, full}, io.EOF},
		{recordFlags{}, full + "\n" + long + "\nb\n", []string{full}, ringbuf.ErrTooLarge},
		{recordFlags{}, long, nil, ringbuf.ErrTooLarge},
		{null, "a\nb\x00\x00c", []string{"a\nb", "", "c"}, io.EOF},
		{frames, "\x00\x00\x00\x03a\nb\x00\x00\x00\x00", []string{"a\nb", ""}, io.EOF},
		{frames, "\x00\x00\x00\x28" + full, []string{full}, io.EOF},
		{frames, "\x00\x00\x00\x29" + long, nil, ringbuf.ErrTooLarge},
		{frames, "\xff\xff\xff\xff", nil, ringbuf.ErrTooLarge},
		{frames, "\x00\x00", nil, io.ErrUnexpectedEOF},
		{frames, "\x00\x00\x00\x03", nil, io.ErrUnexpectedEOF},
		{frames, "\x00\x00\x00\x03ab", nil, io.ErrUnexpectedEOF},
	} {
		for _, in := range []io.Reader{strings.NewReader(c.in), iotest.OneByteReader(strings.NewReader(c.in)), iotest.DataErrReader(strings.NewReader(c.in))} {
			if got, err := records(c.f, in, most); !slices.Equal(got, c.want) || !errors.Is(err, c.err) {
				t.Errorf("%+v: %q gives %q, %v; want %q, %v", c.f, c.in, got, err, c.want, c.err)
			}
		}
	}
	if _, err := records(frames, iotest.ErrReader(io.ErrNoProgress), most); err != io.ErrNoProgress {
		t.Errorf("an input that cannot be read: %v", err)
	}
}

// What a length announces is not allocated before it has come.
func TestFramesAllocateWhatComes(t *testing.T) {
	r := recordReader{recordFlags: recordFlags{frames: true}, in: bufio.NewReader(strings.NewReader("\x40\x00\x00\x00abc")), most: 1 << 31}
	if _, err := r.next(); !errors.Is(err, io.ErrUnexpectedEOF) || cap(r.buf) > 1<<20 {
		t.Errorf("3 bytes of 2^30 give %v and take %d bytes of memory", err, cap(r.buf))
	}
}

func FuzzRecordsGoRound(f *testing.F) {
	f.Add([]byte("a\nb"), []byte{0}, uint8(2))
	f.Fuzz(func(t *testing.T, a, b []byte, how uint8) {
		flags := []recordFlags{{}, {null: true}, {frames: true}}[how%3]
		stream := flags.append(flags.append(nil, a), b)
		got, err := records(flags, bytes.NewReader(stream), len(stream))
		if err != io.EOF {
			t.Fatal(err)
		}
		var again []byte
		for _, m := range got {
			again = flags.append(again, []byte(m))
		}
		if !bytes.Equal(again, stream) {
			t.Errorf("%q comes back as %q", stream, again)
		}
		if flags.frames && (len(got) != 2 || got[0] != string(a) || got[1] != string(b)) {
			t.Errorf("%q, %q come as %q", a, b, got)
		}
	})
}

func TestByteSize(t *testing.T) {
	for in, want := range map[string]byteSize{
		"1": 1, "65536": 65536, "64K": 65536, "64k": 65536, "64KiB": 65536, "3M": 3 << 20, "2G": 2 << 30, "0": 0,
		"": -1, "K": -1, "-1": -1, "1.5M": -1, "1T": -1, "1KM": -1, "1B": -1, "9999999999G": -1, "ä": -1,
	} {
		got := byteSize(-1)
		if err := got.Set(in); got != want || (err == nil) != (want >= 0) {
			t.Errorf("%q is %d, %v; want %d", in, got, err, want)
		}
	}
}

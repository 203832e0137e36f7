package segment

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Text is the handle as text, for another process to open:
//
//	named    /dev/shm/app.stats#0123456789abcdef0123456789abcdef
//	unnamed  /proc/1234/fd/7#0123456789abcdef0123456789abcdef
//
// Behind the last # stands the object's random id in hexadecimal, because names, process ids and
// descriptors are reused. The text of an unnamed segment is good for the same user in the same PID
// namespace, while this process has the segment open.
func (s *Segment) Text() ([]byte, error) {
	switch {
	case !s.open():
		return nil, wrap("marshal", s.Name(), os.ErrClosed)
	case s.m.raw:
		return nil, wrap("marshal", s.path, fmt.Errorf("a raw file has no id that a handle could carry; send its path: %w", fs.ErrInvalid))
	}
	path := s.path
	if path == "" {
		path = fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), s.m.query)
	}
	return hex.AppendEncode(append([]byte(path), '#'), s.m.header.ID[:]), nil
}

// FromText opens the segment that a handle text stands for. Text of any other form is refused before a
// file is touched, and an object with another id after it.
func FromText(text []byte, spec Spec) (*Segment, error) {
	h, err := parseText(string(text))
	if err != nil {
		return nil, wrap(opHandle, clip(string(text)), err)
	}
	s, err := h.open(spec)
	return s, wrap(opHandle, clip(string(text)), err)
}

// handle is a handle text taken apart.
type handle struct {
	path  string
	named bool
	id    [16]byte
}

func (h *handle) open(spec Spec) (*Segment, error) {
	if h.named {
		fd, err := openFile(h.path)
		if err != nil {
			return nil, err
		}
		return adopt(fd, h.path, spec, Mem{}, &h.id)
	}
	fd, err := openForeignFD(h.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("the process that wrote the text has closed it, has ended, or is in another PID namespace: %w", err)
	case err != nil:
		return nil, err
	}
	return adopt(fd, "", spec, Mem{}, &h.id)
}

// maxText is longer than any path that the kernel takes, with an id.
const maxText = 4096 + 1 + 32

func parseText(text string) (h handle, err error) {
	i := strings.LastIndexByte(text, '#')
	if len(text) > maxText || i < 0 || len(text)-i-1 != 2*len(h.id) || strings.ToLower(text[i:]) != text[i:] {
		return h, badText("it does not end in # and 32 hexadecimal digits")
	}
	if _, err := hex.Decode(h.id[:], []byte(text[i+1:])); err != nil {
		return h, badText("its id is not hexadecimal")
	}
	h.path = text[:i]
	if !filepath.IsAbs(h.path) || filepath.Clean(h.path) != h.path {
		return h, badText("its path is not absolute and clean")
	}
	if strings.HasPrefix(h.path, "/proc/") {
		return h, checkProc(h.path)
	}
	h.named = true
	return h, checkPath(h.path)
}

// checkProc accepts /proc/PID/fd/N, as Text writes it, and nothing else below /proc.
func checkProc(path string) error {
	part := strings.Split(path, "/")
	if len(part) != 5 || part[3] != "fd" || !isNumber(part[2], 1) || !isNumber(part[4], 0) {
		return badText("it is not of the form /proc/PID/fd/N")
	}
	return nil
}

func isNumber(s string, least int) bool {
	n, err := strconv.ParseInt(s, 10, 32)
	return err == nil && int(n) >= least && strconv.FormatInt(n, 10) == s
}

func checkPath(path string) error {
	if strings.ContainsRune(path, 0) {
		return badText("it has a zero byte")
	}
	return checkName(filepath.Base(path))
}

func badText(why string) error {
	return fmt.Errorf("bad handle text: %s: %w", why, fs.ErrInvalid)
}

// clip keeps a foreign text from flooding an error.
func clip(s string) string {
	const most = 100
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}

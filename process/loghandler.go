package process

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"
)

// LogHandler writes each record as one line, with the process that it comes from:
//
//	[INFO/Process-1] text key=value other="another value"
//
// A line break in the text is written as \n. opts are those of slog.TextHandler, but that there is no time.
//
// Lines are whole, and those of several processes, each with a LogHandler of its own on the same file, terminal or
// pipe, do not interleave. Each is one write(2), which the kernel keeps together on a terminal, on a regular file that all
// have inherited or opened with os.O_APPEND (on a local file system), and on a pipe up to PIPE_BUF (4096 bytes). On
// pipes and sockets a lock of the process (fcntl F_SETLKW) is held around the write, so that longer lines are kept
// together too; it ends with its process, and all wait for one that is stopped in the midst of a line. Who writes there by other
// means is not kept out. To any other io.Writer, one of this process alone, lines go one at a time.
func LogHandler(w io.Writer, opts *slog.HandlerOptions) slog.Handler {
	s := &lineSink{w: w}
	if opts == nil {
		opts = &slog.HandlerOptions{}
	}
	if f, ok := w.(*os.File); ok && lines(f) {
		s.file = f
	}
	own := *opts
	own.ReplaceAttr = func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && (isLevel(a) || a.Key == slog.MessageKey && a.Value.Kind() == slog.KindString && a.Value.String() == "") {
			return slog.Attr{} // they stand in front
		}
		if opts.ReplaceAttr != nil {
			return opts.ReplaceAttr(groups, a)
		}
		return a
	}
	return &lineHandler{sink: s, rest: slog.NewTextHandler(&s.buf, &own), level: opts.ReplaceAttr}
}

func isLevel(a slog.Attr) bool {
	_, ok := a.Value.Any().(slog.Level)
	return ok && a.Key == slog.LevelKey
}

// lineSink is where a handler and those derived from it write.
type lineSink struct {
	mu   sync.Mutex
	buf  bytes.Buffer // what rest has written
	line []byte
	w    io.Writer
	file *os.File // w, if it has to be locked
}

type lineHandler struct {
	sink  *lineSink
	rest  slog.Handler                        // writes the attributes
	level func([]string, slog.Attr) slog.Attr // the user's ReplaceAttr
	from  string                              // the process; empty: this one
}

func (h *lineHandler) Enabled(ctx context.Context, l slog.Level) bool { return h.rest.Enabled(ctx, l) }

func (h *lineHandler) WithAttrs(as []slog.Attr) slog.Handler {
	c := *h
	c.rest = h.rest.WithAttrs(as)
	return &c
}

func (h *lineHandler) WithGroup(name string) slog.Handler {
	c := *h
	c.rest = h.rest.WithGroup(name)
	return &c
}

// as is the handler of records from another process.
func (h *lineHandler) as(process string) slog.Handler {
	c := *h
	c.from = process
	return &c
}

func (h *lineHandler) Handle(ctx context.Context, r slog.Record) error {
	level, from := r.Level.String(), h.from
	if h.level != nil {
		level = h.level(nil, slog.Any(slog.LevelKey, r.Level)).Value.String()
	}
	if from == "" {
		from = Current().Name
	}
	bare := slog.NewRecord(time.Time{}, r.Level, "", r.PC)
	r.Attrs(func(a slog.Attr) bool { bare.AddAttrs(a); return true })
	s := h.sink
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buf.Reset()
	if err := h.rest.Handle(ctx, bare); err != nil {
		return err
	}
	s.line = append(s.line[:0], '[')
	s.line = append(append(append(s.line, level...), '/'), from...)
	s.line = append(append(s.line, "] "...), oneLine.Replace(r.Message)...)
	if s.buf.Len() > 1 { // else it is the newline
		s.line = append(s.line, ' ')
	}
	s.line = append(s.line, s.buf.Bytes()...)
	return s.write()
}

var oneLine = strings.NewReplacer("\n", `\n`, "\r", `\r`)

// fileLines is held around a lock on a file: that lock is the process's, and one goroutine's unlock would be all's.
var fileLines sync.Mutex

func (s *lineSink) write() error {
	if s.file != nil {
		fileLines.Lock()
		defer fileLines.Unlock()
		lockLines(s.file, locked)
		defer lockLines(s.file, unlocked)
	}
	_, err := s.w.Write(s.line)
	return err
}

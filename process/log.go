package process

import (
	"context"
	"log/slog"
	"sync/atomic"
)

var logger atomic.Pointer[slog.Logger]

// SetLogger has this process write records of its children's lives and of its own: at Info when a child is started,
// when a function begins to run and when its process exits with code 0; at Error when that exits with another code; at
// Warn, by the parent, when a signal has ended a child. nil, as at first: none are written. Call it before Main, and it
// holds for all processes of the program:
//
//	func main() {
//		process.SetLogger(slog.New(process.LogHandler(os.Stderr, nil)))
//		process.Main()
func SetLogger(l *slog.Logger) { logger.Store(l) }

func note(level slog.Level, msg string, args ...any) {
	if l := logger.Load(); l != nil {
		l.Log(context.Background(), level, msg, args...)
	}
}

func logStart() {
	note(slog.LevelInfo, "running "+me.header.Func, "pid", me.current.number, "parent", me.parent.Name)
}

func logExit(r report, code int) {
	switch {
	case code != 0:
		note(slog.LevelError, "exiting", "code", code, "error", r.Msg)
	default:
		note(slog.LevelInfo, "exiting", "code", code)
	}
}

func (c *child) logEnd() {
	if e, ok := c.p.err.(*ExitError); ok && e.Signal != 0 {
		note(slog.LevelWarn, c.p.Name+" was ended by a signal", "signal", e.Signal.String(), "pid", c.pid)
	}
}

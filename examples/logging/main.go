// Logging has the toolkit's own records of processes, and those of a child, on standard error: what Python's
// log_to_stderr does.
package main

import (
	"context"
	"log"
	"log/slog"
	"os"

	"github.com/shmkit/shmkit/process"
)

var worker = process.Register("worker", func(context.Context, struct{}) error {
	slog.Info("doing some work")
	return nil
})

// setUp comes before Main, so it is the same in parent and child.
func setUp() {
	logger := slog.New(process.LogHandler(os.Stderr, nil))
	slog.SetDefault(logger)
	process.SetLogger(logger)
}

func main() {
	setUp()
	process.Main()
	ctx := context.Background()
	p, err := worker.Start(ctx, struct{}{})
	if err != nil {
		log.Fatal(err)
	}
	if err := p.Join(ctx); err != nil {
		log.Fatal(err)
	}
}

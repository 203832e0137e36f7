package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"

	"github.com/shmkit/shmkit/cmd/shmkit/internal/cases"
	"github.com/shmkit/shmkit/cmd/shmkit/internal/corpus"
	"github.com/shmkit/shmkit/cmd/shmkit/internal/lab"
	"github.com/shmkit/shmkit/cmd/shmkit/internal/peers"
	"github.com/shmkit/shmkit/cmd/shmkit/internal/report"
)

// bench does it.
func (f *benchFlags) bench(ctx context.Context, files []string, stdout, stderr io.Writer) error {
	ctx, cancel := signal.NotifyContext(ctx, os.Interrupt)
	defer cancel()
	re, err := regexp.Compile(f.run)
	if err != nil {
		return usageError{fmt.Errorf("-run: %w", err)}
	}
	if f.n < 0 {
		return usageError{fmt.Errorf("-n: %d repetitions are too few", f.n)}
	}
	p := f.pace()
	b := new(report.Bench)
	dir, err := os.MkdirTemp("", "shmkit-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	gs, err := f.groups(ctx, dir, files, p, re, b)
	if err != nil {
		return err
	}
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	l, err := lab.New([]string{exe, workerName}, p.warm, p.window)
	if err != nil {
		return err
	}
	defer l.Close()
	b.Machine = report.ThisMachine(l.CPUs)
	bar := newProgress(stderr)
	b.Outcome, err = l.Run(ctx, lab.Plan{Groups: gs, Reps: p.reps, Budget: p.budget, Progress: bar.step})
	bar.end()
	if err != nil && b.Outcome.Reps == 0 {
		return fmt.Errorf("bench: interrupted before everything was measured once: %w", err)
	}
	b.Judge()
	return errors.Join(f.show(b, stdout), err) // whoever interrupts it gets what there is
}

// groups are those to run: the main job, what is registered, and peers, which
// are built in dir.
func (f *benchFlags) groups(ctx context.Context, dir string, files []string, p pace, re *regexp.Regexp, b *report.Bench) ([]lab.Group, error) {
	job, err := mainJob(ctx, files, p, re, b)
	if err != nil {
		return nil, err
	}
	gs := append(job, lab.Groups()...)
	if f.run == "" && !f.peers {
		gs = lab.Plain(gs)
	}
	if f.peers {
		set, err := peers.Build(ctx, dir)
		if err != nil {
			return nil, err
		}
		gs = cases.Join(gs, set.Peers)
		for _, t := range set.Tools {
			b.Peers = append(b.Peers, report.Peer{Peer: t.Name, Compiler: t.Compiler, Flags: t.Flags, Absent: t.Absent})
		}
	}
	gs = lab.Select(lab.Sorted(gs), re)
	if len(gs) == 0 {
		return nil, usageError{fmt.Errorf("-run: no case matches %q; without -run, all are listed in the table", f.run)}
	}
	return gs, nil
}

// mainJob is the job of sending lines, unless -run leaves it out.
func mainJob(ctx context.Context, files []string, p pace, re *regexp.Regexp, b *report.Bench) ([]lab.Group, error) {
	var c *corpus.Corpus
	var err error
	if len(files) > 0 {
		if c, err = corpus.Of(files); errors.Is(err, corpus.ErrUnfit) {
			err = usageError{err}
		}
	} else {
		c, err = corpus.Default(ctx, p.corpus)
	}
	if err != nil {
		return nil, err
	}
	g := cases.Lines(c, corpus.Sum{})
	if len(lab.Select([]lab.Group{g}, re)) == 0 {
		return nil, nil
	}
	sum, err := c.Sum()
	if err != nil {
		return nil, err
	}
	b.Checks = append(b.Checks, report.Check{
		Case: g.Name, Check: "sha256", Messages: sum.Messages, Bytes: sum.Bytes, SHA256: sum.SHA256, Files: len(c.Files),
	})
	return []lab.Group{cases.Lines(c, sum)}, nil
}

// show prints the run, and says whether all of ours went well.
func (f *benchFlags) show(b *report.Bench, w io.Writer) error {
	print := b.Table
	if f.json {
		print = b.JSON
	}
	if err := print(w); err != nil {
		return err
	}
	if f.svg != "" {
		if err := drawTo(f.svg, b); err != nil {
			return err
		}
	}
	var errs []error
	for _, s := range b.Failures() {
		if s.Case != "" {
			errs = append(errs, fmt.Errorf("%s: %w", s.Case, s.Err))
		}
	}
	return errors.Join(errs...)
}

// drawTo writes the picture into a file, or leaves none.
func drawTo(name string, b *report.Bench) error {
	out, err := os.Create(name)
	if err != nil {
		return err
	}
	if err := errors.Join(b.SVG(out), out.Close()); err != nil {
		os.Remove(name)
		return err
	}
	return nil
}

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/shmkit/shmkit/process"
	"github.com/shmkit/shmkit/queue"
	"github.com/shmkit/shmkit/sem"
	"github.com/shmkit/shmkit/shm"
)

// parallel counts the words of all tasks.
func parallel(ctx context.Context, tasks []chunk) (map[string]int, error) {
	work, err := queue.NewJoinable[chunk](len(tasks))
	if err != nil {
		return nil, err
	}
	defer work.Close()
	results, err := queue.New[counts](0)
	if err != nil {
		return nil, err
	}
	defer results.Close()
	stuck, err := shm.New[sem.Event]()
	if err != nil {
		return nil, err
	}
	defer stuck.Close()
	for _, t := range tasks {
		if err := work.Put(ctx, t); err != nil {
			return nil, err
		}
	}
	victim, err := worker.Start(ctx, args{work, results, stuck})
	if err != nil {
		return nil, err
	}
	if err := stuck.Ptr().Wait(ctx); err != nil {
		return nil, err
	}
	fmt.Println("one worker is killed in the middle of a task")
	if err := victim.Kill(); err != nil {
		return nil, err
	}
	var others []*process.Process
	for range workers - 1 {
		p, err := worker.Start(ctx, args{Work: work, Results: results})
		if err != nil {
			return nil, err
		}
		others = append(others, p)
	}
	words, err := collect(ctx, results, len(tasks))
	if err != nil {
		return nil, err
	}
	if err := work.Join(ctx); err != nil { // nothing is unfinished
		return nil, err
	}
	if err := work.Shutdown(); err != nil {
		return nil, err
	}
	for _, p := range others {
		if err := p.Join(ctx); err != nil {
			return nil, err
		}
	}
	return words, nil
}

// collect adds the results of n tasks up, each once.
func collect(ctx context.Context, results *queue.Queue[counts], n int) (map[string]int, error) {
	words, seen := map[string]int{}, map[int]bool{}
	for len(seen) < n {
		r, err := results.Get(ctx)
		if err != nil {
			return nil, err
		}
		if seen[r.N] {
			continue
		}
		seen[r.N] = true
		for w, k := range r.Words {
			words[w] += k
		}
	}
	return words, nil
}

// frequent are the n words that come most often.
func frequent(words map[string]int, n int) []string {
	all := slices.SortedFunc(maps.Keys(words), func(a, b string) int {
		return cmp.Or(words[b]-words[a], cmp.Compare(a, b))
	})
	return all[:min(n, len(all))]
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

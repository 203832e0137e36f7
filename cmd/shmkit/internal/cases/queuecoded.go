package cases

import (
	"strings"

	"github.com/shmkit/shmkit/cmd/shmkit/internal/lab"
	"github.com/shmkit/shmkit/queue"
)

// A record is the struct of strings and numbers that queues send as CBOR; Python sends it as a dict.
type record struct {
	ID    int64
	Name  string
	Path  string
	Size  int64
	Owner string
	Mode  int32
}

func recordOf(i int64) record {
	return record{ID: i, Name: "report.txt", Path: "/home/lily/reports/2026/report.txt", Size: 4096 + i, Owner: "lily", Mode: 0o644}
}

var (
	queuePutRecord = queuePut("record", recordOf)
	queueGetRecord = queueGet("record", few, func(v record) int64 { return v.ID + int64(len(v.Path)) })

	mebi        = []byte(strings.Repeat("x", 1<<20))
	queuePutMiB = queuePut("1MiB", func(i int64) []byte { mebi[0] = byte(i); return mebi })
)

// What takes 1 MiB at a time brings memory along, as one who cares for speed does.
var queueGetMiB = lab.NewRole("queue.get.1MiB", func(w *lab.Worker) error {
	q := new(queue.Queue[[]byte])
	if err := take(w, 0, q); err != nil {
		return err
	}
	b := make([]byte, 0, len(mebi))
	for {
		var err error
		if b, err = queue.GetBytes(ctx, q, b); err != nil {
			return err
		}
		sink += uint64(b[0]) + uint64(b[len(b)-1])
		w.Add(1)
	}
})

// A lease is given back by Done: task_done in Python.
var (
	joinablePut = lab.NewRole("queue.joinable.put", func(w *lab.Worker) error {
		q := new(queue.JoinableQueue[int64])
		if err := take(w, 0, q); err != nil {
			return err
		}
		for i := int64(0); ; i++ {
			if err := q.Put(ctx, i); err != nil {
				return err
			}
		}
	})
	joinableGet = lab.NewRole("queue.joinable.get", func(w *lab.Worker) error {
		q := new(queue.JoinableQueue[int64])
		if err := take(w, 0, q); err != nil {
			return err
		}
		for {
			for range few {
				t, err := q.Get(ctx)
				if err != nil {
					return err
				}
				sink += uint64(t.Value)
				if err := t.Done(); err != nil {
					return err
				}
			}
			w.Add(few)
		}
	})
)

func init() {
	askFor(lab.Messages, ourCase("queue/record", shareQueue[record](ringOfPython), queueGetRecord, queuePutRecord))
	askFor(lab.Messages, ourCase("queue/1MiB", shareQueue[[]byte](manyMiB), queueGetMiB, queuePutMiB))
	askFor(lab.Messages, ourCase("queue/joinable", func(s *lab.Stage) error {
		q, err := queue.NewJoinable[int64](ringOfPython)
		return give(s, q, err)
	}, joinableGet, joinablePut))
}

// manyMiB is how many messages of 1 MiB a queue holds at most.
const manyMiB = 64

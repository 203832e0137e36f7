package queue

import "github.com/shmkit/shmkit/internal/codec"

var CBOR = codec.CBOR

// Used is how much memory a queue with cells takes.
func Used[T any](q *Queue[T]) int64 { return q.at.Load().segment().Used() }

package queue

import "github.com/shmkit/shmkit/internal/codec"

var CBOR = codec.CBOR

// Package bench measures every primitive beside what one would pick instead:
//
//	go test -bench . ./bench
//
// Those are micro-benchmarks, for the developer of a primitive. What a user
// wants to know, how two processes fare beside a pipe, a socket and the rings
// of other languages, is measured by the command shmkit bench.
//
// The folder peers holds the yardsticks in other languages.
package bench

import "embed"

// Peers is the folder peers: small C++, Rust, Python and Go programs that each take one
// sample. shmkit bench carries them along and builds them where it runs.
//
//go:embed peers/*.cc peers/*.hpp peers/*.py peers/*.go peers/crossbeam/Cargo.toml peers/crossbeam/main.rs
var Peers embed.FS

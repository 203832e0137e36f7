// Package include carries the C header of shmkit, so that a program can unpack it where it compiles
// something against it. For people it is the folder to name with -I; docs/other-languages.md explains it.
package include

import _ "embed"

// Header is the text of shmkit.h.
//
//go:embed shmkit.h
var Header string

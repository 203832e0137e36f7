// Package python carries the Python module of shmkit, so that a program can unpack it where it runs Python.
// For people it is the folder to name in PYTHONPATH; docs/other-languages.md explains it.
package python

import _ "embed"

// Module is the text of shmkit.py.
//
//go:embed shmkit.py
var Module string

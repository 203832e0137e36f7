// Command shmkit measures shmkit on this machine, and shows and removes what
// lies in shared memory.
package main

import (
	"os"

	"github.com/shmkit/shmkit/process"
)

func main() {
	process.Main() // bench measures it
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

//go:build ignore

// Exec times os/exec running the program empty beside it, as the other peers are run:
//
//	exec CASE WARM_MS WINDOW_MS CPU0 CPU1
package main

import (
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

func main() {
	self, err := os.Executable()
	if err != nil || len(os.Args) < 4 {
		log.Fatal("usage: exec CASE WARM_MS WINDOW_MS CPU0 CPU1 ", err)
	}
	empty := filepath.Join(filepath.Dir(self), "empty")
	n, gone := 0, time.Duration(0)
	for _, arg := range os.Args[2:4] {
		ms, _ := strconv.Atoi(arg)
		begin := time.Now()
		for n = 0; n == 0 || time.Since(begin) < time.Duration(ms)*time.Millisecond; n++ {
			cmd := exec.Command(empty)
			cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
			if err := cmd.Run(); err != nil {
				log.Fatal(err)
			}
		}
		gone = time.Since(begin)
	}
	fmt.Printf("time\t%.9g\n", float64(gone.Nanoseconds())/float64(n))
}

// Start times starting and joining a child that does nothing beside os/exec running the program given, in turn:
//
//	start ROUNDS EMPTY
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"time"

	"github.com/shmkit/shmkit/process"
)

var nothing = process.Register("nothing", func(context.Context, struct{}) error { return nil })

func main() {
	process.Main()
	rounds, err := strconv.Atoi(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	var ours, theirs, ratio []float64
	for range rounds {
		begin := time.Now()
		child()
		middle := time.Now()
		program(os.Args[2])
		a, b := middle.Sub(begin).Seconds(), time.Since(middle).Seconds()
		ours, theirs, ratio = append(ours, 1e6*a), append(theirs, 1e6*b), append(ratio, a/b)
	}
	fmt.Println(at(ours, 0.5), at(theirs, 0.5), at(ratio, 0.5), at(ratio, 0.1), at(ratio, 0.9))
}

func child() {
	ctx := context.Background()
	p, err := nothing.Start(ctx, struct{}{})
	if err == nil {
		err = p.Join(ctx)
	}
	if err != nil {
		log.Fatal(err)
	}
}

func program(path string) {
	cmd := exec.Command(path)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		log.Fatal(err)
	}
}

func at(xs []float64, q float64) float64 {
	slices.Sort(xs)
	return xs[int(q*float64(len(xs)-1))]
}

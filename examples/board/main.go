// Command board shows a board of scores that several processes keep: start it with some names, as often as you like, and
// kill any of it; the board is whole.
//
//	go run ./examples/board anna & go run ./examples/board bert
//	shmkit show board.scores
//	shmkit rm board.scores board.round
package main

import (
	"fmt"
	"io"
	"log"
	"os"

	"github.com/shmkit/shmkit/array"
	"github.com/shmkit/shmkit/value"
)

// score is a line of the board. Both fields change together.
type score struct {
	Name   [24]byte
	Points int64
}

func main() {
	if err := run(os.Stdout, os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}

// run gives everybody a point, and prints the board.
func run(w io.Writer, names []string) error {
	board, err := array.OpenOrCreate[score]("board.scores", 8)
	if err != nil {
		return err
	}
	defer board.Close()
	round, err := value.OpenOrCreate("board.round", int64(0))
	if err != nil {
		return err
	}
	defer round.Close()

	n := value.Add(round, 1)
	for i, name := range names {
		board.Update(i%board.Len(), func(s *score) {
			clear(s.Name[copy(s.Name[:], name):])
			s.Points += n
		})
	}
	for i, s := range board.All() {
		if s.Points > 0 {
			fmt.Fprintf(w, "%d %s %d\n", i, string(s.Name[:]), s.Points)
		}
	}
	return nil
}

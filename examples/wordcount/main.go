// Wordcount counts the words of files by workers that take chapters of work from a JoinableQueue. One of them is killed in the
// middle of one; what it had in hand goes to another, and the count is what a serial one gives.
package main

import (
	"context"
	"fmt"
	"log"
	"maps"
	"os"
	"strings"
	"unicode"

	"github.com/shmkit/shmkit/process"
	"github.com/shmkit/shmkit/queue"
	"github.com/shmkit/shmkit/sem"
	"github.com/shmkit/shmkit/shm"
)

const (
	workers  = 3
	piece    = 256 // bytes of a task, about
	sluggish = 1   // the task in which the first worker stands still, until it is killed
)

// chunk is a task, counts what came of it. Its number tells a result that comes twice: a worker may die between sending it and Done.
type chunk struct {
	N    int
	Text string
}

type counts struct {
	N     int
	Words map[string]int
}

type args struct {
	Work    *queue.JoinableQueue[chunk]
	Results *queue.Queue[counts]
	Stuck   *shm.Var[sem.Event] // the one that is to be killed holds a task now; of the others nil
}

var worker = process.Register("worker", func(ctx context.Context, a args) error {
	for n := 1; ; n++ {
		t, err := a.Work.Get(ctx)
		if err != nil {
			return ignoreEOF(err)
		}
		if a.Stuck != nil && n == sluggish {
			a.Stuck.Ptr().Set()
			<-ctx.Done()
			return nil
		}
		if err := a.Results.Put(ctx, counts{t.Value.N, count(t.Value.Text)}); err != nil {
			t.Fail()
			return err
		}
		if err := t.Done(); err != nil {
			return err
		}
	}
})

func main() {
	process.Main()
	files := os.Args[1:]
	if len(files) == 0 {
		files = []string{"text.txt"}
	}
	if err := run(context.Background(), files); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, files []string) error {
	text, err := read(files)
	if err != nil {
		return err
	}
	words, err := parallel(ctx, cut(text))
	if err != nil {
		return err
	}
	fmt.Printf("the same as counted by one: %v\n", maps.Equal(words, count(text)))
	for _, w := range frequent(words, 5) {
		fmt.Println(words[w], w)
	}
	return nil
}

// read is the text of all files.
func read(files []string) (string, error) {
	var all strings.Builder
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return "", err
		}
		all.Write(b)
		all.WriteByte('\n')
	}
	return all.String(), nil
}

// cut makes tasks of a text, between words.
func cut(text string) (tasks []chunk) {
	for len(text) > 0 {
		end := len(text)
		if end > piece {
			end = piece
			for end < len(text) && text[end] != ' ' && text[end] != '\n' {
				end++
			}
		}
		tasks = append(tasks, chunk{len(tasks), text[:end]})
		text = text[end:]
	}
	return tasks
}

// count counts the words of a text.
func count(text string) map[string]int {
	words := map[string]int{}
	for _, w := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) }) {
		words[w]++
	}
	return words
}

package lab

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
)

// Worker is what a role knows of the sample that it works for.
type Worker struct {
	Texts []string   // what the stage gave to everybody
	Files []*os.File // what it gave to this worker

	index  int
	page   *page
	count  uint64
	report Report
}

// Report is what a worker says at its end.
type Report struct {
	Values Values
	Text   string // for the subject's Check
}

// Add counts n more. It costs a locked store, so a loop over short steps
// counts many of them at once.
func (w *Worker) Add(n uint64) {
	w.count += n
	w.page.counter(w.index).Store(w.count)
}

// Report is handed to the lab when the role ends.
func (w *Worker) Report(r Report) { w.report = r }

// Int is text i as a number, which the stage wrote there.
func (w *Worker) Int(i int) int {
	n, err := strconv.Atoi(w.Texts[i])
	if err != nil {
		panic(err)
	}
	return n
}

// Inherited descriptors start here: the page, then the worker's files.
const firstFD = 3

// Main is the whole life of a worker process. Its arguments are those that
// [Lab.Command] is followed by: the role, the worker's number, how many files
// it inherits, and the stage's texts.
func Main(args []string, out io.Writer) error {
	if len(args) < 3 {
		return fmt.Errorf("lab: worker: %d arguments; shmkit bench starts its workers itself", len(args))
	}
	role, err := findRole(args[0])
	if err != nil {
		return err
	}
	w, err := newWorker(args[1], args[2])
	if err != nil {
		return fmt.Errorf("lab: worker %s: %w", role.name, err)
	}
	w.Texts = args[3:]
	if err := role.run(w); err != nil {
		return fmt.Errorf("%s: %w", role.name, err)
	}
	return json.NewEncoder(out).Encode(w.report)
}

// newWorker takes over what the parent process left at firstFD.
func newWorker(index, files string) (*Worker, error) {
	w := new(Worker)
	var err error
	if w.index, err = strconv.Atoi(index); err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(files)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(firstFD, "page")
	defer f.Close()
	if w.page, err = openPage(f); err != nil {
		return nil, err
	}
	for i := range n {
		w.Files = append(w.Files, os.NewFile(uintptr(firstFD+1+i), "inherited"))
	}
	return w, nil
}

package lab

import "os"

// Stage is what a subject prepares in the lab's process for its workers.
type Stage struct {
	texts    []string
	files    map[int][]*os.File
	cleanups []func()
}

// Text gives every worker a text: a handle, a size.
func (s *Stage) Text(texts ...string) { s.texts = append(s.texts, texts...) }

// File gives worker i an open file. The stage owns it from now on, and closes
// it when the workers have theirs: a pipe must end when its writer does.
func (s *Stage) File(i int, f *os.File) {
	if s.files == nil {
		s.files = map[int][]*os.File{}
	}
	s.files[i] = append(s.files[i], f)
}

// Cleanup is called after the workers are gone, the last one added first.
func (s *Stage) Cleanup(f func()) { s.cleanups = append(s.cleanups, f) }

func (s *Stage) closeFiles() {
	for _, fs := range s.files {
		for _, f := range fs {
			f.Close()
		}
	}
	s.files = nil
}

func (s *Stage) close() {
	s.closeFiles()
	for i := len(s.cleanups) - 1; i >= 0; i-- {
		s.cleanups[i]()
	}
}

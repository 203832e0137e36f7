package corpus

import (
	"io"
	"os"
)

// Open reads the files one after the other. Each is opened when its turn comes.
func (c *Corpus) Open() io.ReadCloser { return &reader{names: c.Files} }

type reader struct {
	names []string
	file  *os.File
}

// Read reads on in the file at hand or, at its end, in the next one.
func (r *reader) Read(b []byte) (int, error) {
	for {
		if r.file == nil {
			if len(r.names) == 0 {
				return 0, io.EOF
			}
			f, err := os.Open(r.names[0])
			if err != nil {
				return 0, err
			}
			r.file, r.names = f, r.names[1:]
		}
		n, err := r.file.Read(b)
		if n > 0 || err != io.EOF {
			return n, err
		}
		r.Close()
	}
}

// Close closes the file at hand.
func (r *reader) Close() error {
	if r.file == nil {
		return nil
	}
	err := r.file.Close()
	r.file = nil
	return err
}

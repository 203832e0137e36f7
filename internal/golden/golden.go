// Package golden keeps one object of each kind and layout version as it lay in memory (testdata/v1, …), so that its
// tests can see that every later version opens it, with what is in it, or refuses it by name. Files of a version that
// has been published are never made anew.
package golden

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
)

// row is how many bytes a line of a golden file has. Rows of zeros are left out.
const row = 32

// Encode makes a golden file of the bytes of a segment.
func Encode(b []byte) []byte {
	out := fmt.Appendf(nil, "bytes %d\n", len(b))
	for i := 0; i < len(b); i += row {
		if r := b[i:min(i+row, len(b))]; len(bytes.Trim(r, "\x00")) > 0 {
			out = fmt.Appendf(out, "%08x %x\n", i, r)
		}
	}
	return out
}

// Decode makes the bytes of a segment of a golden file.
func Decode(text []byte) ([]byte, error) {
	var size, at int
	head, rest, _ := strings.Cut(string(text), "\n")
	if _, err := fmt.Sscanf(head, "bytes %d", &size); err != nil || size < 0 || size > 1<<24 {
		return nil, fmt.Errorf("golden: %q is no beginning", head)
	}
	b := make([]byte, size)
	for line := range strings.Lines(rest) {
		var digits string
		if _, err := fmt.Sscanf(line, "%x %s", &at, &digits); err != nil {
			return nil, fmt.Errorf("golden: %q: %w", line, err)
		}
		r, err := hex.DecodeString(digits)
		if err != nil || at < 0 || at+len(r) > size {
			return nil, fmt.Errorf("golden: %q is no row of %d bytes", line, size)
		}
		copy(b[at:], r)
	}
	return b, nil
}

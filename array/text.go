package array

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// SetString makes s the text in the array: its bytes, and behind them a NUL, if there is room. All or nothing. A text that is
// longer than the array, or has a NUL in it, which would end it, is an error, and changes nothing.
func SetString(a *Array[byte], s string) error {
	c, err := a.open()
	switch {
	case err != nil:
		return err
	case len(s) > c.n:
		return fmt.Errorf("array: SetString of %d bytes into %s, which has %d: %w", len(s), c.label(), c.n, fs.ErrInvalid)
	case strings.IndexByte(s, 0) >= 0:
		return fmt.Errorf("array: SetString into %s: byte %d of the text is NUL, which would end it; use WriteAt: %w", c.label(), strings.IndexByte(s, 0), fs.ErrInvalid)
	}
	b := []byte(s)
	if len(b) < c.n {
		b = append(b, 0)
	}
	_, err = a.WriteAt(b, 0)
	return err
}

// String returns the text in the array, up to the first NUL or its end, as it was at one moment. Empty once closed, or when
// the memory is gone.
func String(a *Array[byte]) string {
	b := make([]byte, a.Len())
	if _, err := a.ReadAt(b, 0); err != nil {
		return ""
	}
	if i := slices.Index(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(b)
}

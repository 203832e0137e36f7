package segment

import (
	"cmp"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/shmkit/shmkit/internal/abi"
)

// newHeader is the header of a new object, with an id that no other object ever had.
func newHeader(spec Spec) (abi.Header, error) {
	h := abi.NewHeader(spec.Kind, spec.Type)
	for i, x := range spec.Default {
		spec.Shape[i] = cmp.Or(spec.Shape[i], x)
	}
	size := spec.Size(spec.Shape)
	if size <= 0 || size > abi.MaxSize {
		return h, fmt.Errorf("impossible %v: %s: %w", spec.Kind, shapeText(spec), fs.ErrInvalid)
	}
	if len(spec.Codec) > len(h.Codec) {
		return h, fmt.Errorf("the codec's name %q is longer than %d bytes: %w", spec.Codec, len(h.Codec), fs.ErrInvalid)
	}
	h.Size, h.Shape = uint64(size), spec.Shape
	copy(h.Codec[:], spec.Codec)
	err := random(h.ID[:])
	return h, err
}

// readHeader reads the header of the file fd, whose length is size, without mapping it.
func readHeader(fd int, size int64) (h abi.Header, format string, err error) {
	b := make([]byte, min(size, abi.PageSize))
	if b, err = readAt(fd, b); err != nil {
		return h, "", err
	}
	if need := abi.Need(b); need > len(b) && abi.HasMagic(b) {
		if b, err = readAt(fd, make([]byte, need)); err != nil {
			return h, "", err
		}
	}
	if h, format, err = abi.Decode(b); err != nil {
		return h, "", err
	}
	if want := fileSize(&h); size < want {
		return h, "", truncated(size, want)
	}
	return h, format, nil
}

func truncated(have, want int64) error {
	return fmt.Errorf("the file has %d bytes of %d: %w", have, want, abi.ErrTruncated)
}

// match compares a header with what the caller means. The first difference is the error.
func match(h *abi.Header, format string, spec Spec, id *[16]byte) error {
	mismatch := func(what, have, want string) error {
		return &abi.MismatchError{What: what, Have: have, Want: want}
	}
	switch {
	case id != nil && h.ID != *id:
		return mismatch("id", fmt.Sprintf("%x", h.ID), fmt.Sprintf("%x", *id))
	case h.Kind != spec.Kind:
		return mismatch("kind", h.Kind.String(), spec.Kind.String())
	case h.CodecName() != spec.Codec:
		return mismatch("codec", strconv.Quote(h.CodecName()), strconv.Quote(spec.Codec))
	case format != spec.Type.Format:
		field, have, want := abi.Difference(format, spec.Type.Format)
		if field != "T" {
			field = "field " + field
		}
		return mismatch(field, have, want)
	case h.ElemSize != spec.Type.Size || h.ElemAlign != spec.Type.Align:
		return fmt.Errorf("its elements have %d bytes on %d, which contradicts their format: %w", h.ElemSize, h.ElemAlign, abi.ErrCorrupt)
	}
	for i, want := range spec.Shape {
		if have := h.Shape[i]; want != 0 && have != want {
			return mismatch(spec.shapeName(i), strconv.FormatUint(have, 10), strconv.FormatUint(want, 10))
		}
	}
	if size := spec.Size(h.Shape); size < 0 || uint64(size) != h.Size {
		return fmt.Errorf("its payload has %d bytes, its shape means %d: %w", h.Size, size, abi.ErrCorrupt)
	}
	return nil
}

func (spec *Spec) shapeName(i int) string {
	if n := spec.ShapeNames[i]; n != "" {
		return n
	}
	return fmt.Sprintf("shape[%d]", i)
}

func shapeText(spec Spec) (s string) {
	for i, x := range spec.Shape {
		if x != 0 || spec.ShapeNames[i] != "" {
			s += fmt.Sprintf("%s %d, ", spec.shapeName(i), x)
		}
	}
	return s + "from 1 B to " + bytesText(abi.MaxSize) + " of payload"
}

// bytesText says a size as people do.
func bytesText(n int64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	f, i := float64(n), 0
	for f >= 1024 && i < len(units)-1 {
		f, i = f/1024, i+1
	}
	return strings.TrimSuffix(strconv.FormatFloat(f, 'f', 1, 64), ".0") + " " + units[i]
}

package main

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// byteSize is a flag: a number of bytes, or with K, M, G, powers of 1024.
type byteSize int64

// String is what help shows as the default.
func (b *byteSize) String() string { return strconv.FormatInt(int64(*b), 10) }

// Type is what help calls it.
func (*byteSize) Type() string { return "bytes" }

// Set takes what was on the line.
func (b *byteSize) Set(s string) error {
	digits := strings.TrimRight(s, "KMGkmgiB")
	shift, ok := map[string]uint{"": 0, "K": 10, "M": 20, "G": 30}[strings.ToUpper(strings.TrimSuffix(s[len(digits):], "iB"))]
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || !ok || n < 0 || n > math.MaxInt64>>shift {
		return errors.New("want a number of bytes, or one with K, M or G, as 65536, 64K, 64KiB")
	}
	*b = byteSize(n << shift)
	return nil
}

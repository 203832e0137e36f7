package abi

import (
	"fmt"
	"strings"
)

// Difference returns the first field in which two format strings differ, by name, type or offset, and
// what each side has there. The strings may be hostile: the work is linear in their length and the
// answer is short. All three results are empty when the strings are equal.
func Difference(have, want string) (field, haveField, wantField string) {
	if have == want {
		return "", "", ""
	}
	h, herr := parse(have)
	w, werr := parse(want)
	if herr != nil || werr != nil {
		return "T", quote(have), quote(want)
	}
	for i := range max(len(h.fields), len(w.fields)) {
		if a, b := h.at(i), w.at(i); a != b {
			return describe(a, b)
		}
	}
	if h.size != w.size {
		return "T", fmt.Sprintf("%d bytes", h.size), fmt.Sprintf("%d bytes", w.size)
	}
	return "T", quote(have), quote(want)
}

// describe tells two different fields apart; the names are left out where they agree.
func describe(have, want field) (name, haveField, wantField string) {
	switch {
	case want.kind == "":
		name = have.path
	default:
		name = want.path
	}
	if name == "" {
		name = "T"
	}
	named := have.path != want.path
	return clip(name), have.text(named), want.text(named)
}

func (f field) text(named bool) string {
	switch {
	case f.kind == "":
		return "nothing"
	case named && f.path != "":
		return clip(fmt.Sprintf("%s %s at byte %d", f.path, f.kind, f.off))
	default:
		return clip(fmt.Sprintf("%s at byte %d", f.kind, f.off))
	}
}

const clipped = 200 // bytes of a foreign string that go into an error

func clip(s string) string {
	if len(s) > clipped {
		s = s[:clipped] + "…"
	}
	if !printable(s) {
		return fmt.Sprintf("%q", s)
	}
	return s
}

func quote(s string) string {
	if s == "" {
		return "no type"
	}
	return clip(fmt.Sprintf("%q", s[:min(len(s), clipped)]+strings.Repeat("…", min(1, len(s)/(clipped+1)))))
}

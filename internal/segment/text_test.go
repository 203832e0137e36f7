package segment

import (
	"io/fs"
	"strings"
	"testing"
)

const someID = "#0123456789abcdef0123456789abcdef"

func TestParseText(t *testing.T) {
	for text, want := range map[string]handle{
		"/dev/shm/app.stats" + someID: {path: "/dev/shm/app.stats", named: true},
		"/a#b/c#d" + someID:           {path: "/a#b/c#d", named: true},
		"/x" + someID:                 {path: "/x", named: true},
		"/procfs/x" + someID:          {path: "/procfs/x", named: true},
		"/proc/1234/fd/7" + someID:    {path: "/proc/1234/fd/7"},
		"/proc/1/fd/0" + someID:       {path: "/proc/1/fd/0"},
	} {
		got, err := parseText(text)
		want.id = [16]byte{1, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 1, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef}
		if err != nil || got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{
		"", "#", someID, "x" + someID, "./x" + someID, "../x" + someID, "/" + someID, "//x" + someID, "/a/../b" + someID, "/a/./b" + someID, "/a/" + someID,
		"/a" + someID[:32], "/a" + someID + "0", "/a#0123456789ABCDEF0123456789abcdef", "/a#0123456789abcdeg0123456789abcdef", "/a" + someID + "\n",
		"/proc/self/fd/7" + someID, "/proc/1234/fd/07" + someID, "/proc/1234/fd/-1" + someID, "/proc/0/fd/1" + someID, "/proc/-1/fd/1" + someID,
		"/proc/1234/fd" + someID, "/proc/1234/mem" + someID, "/proc/1234/fd/7/x" + someID, "/proc/1234/cwd/x" + someID, "/proc/1234/task/1/fd/7" + someID,
		"/proc/+1/fd/1" + someID, "/proc/99999999999/fd/1" + someID, "/proc/sys/kernel/x" + someID,
		"/a\x00b/c" + someID, "/a/b\x00" + someID, "/a/\xff" + someID, "/" + strings.Repeat("x", 256) + someID, "/" + strings.Repeat("x/", 5000) + "y" + someID,
	} {
		_, err := FromText([]byte(text), plain(0))
		wantErr(t, err, fs.ErrInvalid, "bad ")
	}
}

func FuzzParseText(f *testing.F) {
	f.Add("/dev/shm/x" + someID)
	f.Add("/proc/1234/fd/7" + someID)
	f.Fuzz(func(t *testing.T, text string) {
		h, err := parseText(text)
		if err != nil {
			return
		}
		if h.path[0] != '/' || strings.Contains(h.path, "/../") || strings.ContainsRune(h.path, 0) || !strings.HasPrefix(text, h.path+"#") {
			t.Fatalf("%q: %+v", text, h)
		}
		if strings.HasPrefix(h.path, "/proc/") == h.named {
			t.Fatalf("%q: %+v", text, h)
		}
	})
}

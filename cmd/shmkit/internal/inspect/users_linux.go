package inspect

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"unicode"

	"golang.org/x/sys/unix"

	"github.com/shmkit/shmkit/internal/owner"
)

// processesOf finds who has the file (dev, ino) open or mapped. An id that a process shows is sound: it is where the
// process has left it, the position of a descriptor, or it is the kernel's word, a lock of the
// description that a command has inherited.
func processesOf(dev, ino uint64) (out []process, hidden int) {
	dirs, err := os.ReadDir("/proc")
	if err != nil {
		return nil, 0
	}
	for _, d := range dirs {
		pid, err := strconv.Atoi(d.Name())
		if err != nil {
			continue
		}
		p := process{pid: pid}
		open, err := p.descriptors(dev, ino)
		if err == nil {
			err = p.mappings(dev, ino)
		}
		switch {
		case errors.Is(err, fs.ErrPermission):
			hidden++
		case open || p.maps:
			p.command = command(pid)
			out = append(out, p)
		}
	}
	return out, hidden
}

// descriptors looks for ids in the process's descriptors of the file.
func (p *process) descriptors(dev, ino uint64) (open bool, err error) {
	dir := fmt.Sprintf("/proc/%d/fd", p.pid)
	fds, err := os.ReadDir(dir)
	for _, fd := range fds {
		var st unix.Stat_t
		if unix.Stat(dir+"/"+fd.Name(), &st) != nil || uint64(st.Dev) != dev || st.Ino != ino {
			continue
		}
		info, err := os.ReadFile(fmt.Sprintf("/proc/%d/fdinfo/%s", p.pid, fd.Name()))
		if err != nil {
			continue // closed meanwhile
		}
		open = true
		for _, id := range idsIn(string(info)) {
			if !slices.Contains(p.ids, id) {
				p.ids = append(p.ids, id)
			}
		}
	}
	return open, err
}

// idsIn finds the ids in a text of fdinfo:
//
//	pos:	1099520721370
//	lock:	1: OFDLCK ADVISORY  WRITE -1 00:18:9981328 1099520721370 1099520721370
func idsIn(info string) (ids []uint32) {
	for l := range strings.Lines(info) {
		words := strings.Fields(l)
		at := 1
		switch {
		case len(words) == 2 && words[0] == "pos:":
		case len(words) == 9 && words[0] == "lock:" && words[2] == "OFDLCK" && words[7] == words[8]:
			at = 7
		default:
			continue
		}
		off, err := strconv.ParseInt(words[at], 10, 64)
		if id, ok := owner.FromOffset(off); err == nil && ok {
			ids = append(ids, id)
		}
	}
	return ids
}

// mappings looks whether the process has the file mapped, shared and for writing.
func (p *process) mappings(dev, ino uint64) error {
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", p.pid))
	if errors.Is(err, syscall.ESRCH) {
		return nil
	}
	device := fmt.Sprintf("%02x:%02x", unix.Major(dev), unix.Minor(dev))
	inode := strconv.FormatUint(ino, 10)
	for l := range strings.Lines(string(maps)) {
		words := strings.Fields(l)
		if len(words) > 5 && words[3] == device && words[4] == inode && strings.HasPrefix(words[1], "rw") && words[1][3] == 's' {
			p.maps = true
		}
	}
	return err
}

// command is how a process was started, made fit for a line on a terminal.
func command(pid int) string {
	const most = 60
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil || len(b) == 0 {
		b, _ = os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	}
	text := strings.TrimRight(strings.Map(func(r rune) rune {
		if r == 0 || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, string(b)), " ")
	if r := []rune(text); len(r) > most {
		text = string(r[:most]) + "…"
	}
	return text
}

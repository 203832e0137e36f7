package inspect

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// process is one that /proc shows to have the object's file open or mapped.
type process struct {
	pid     int
	command string
	ids     []uint32 // that its descriptors of the file show; none: it shows no id
	maps    bool     // it has the file mapped for writing
}

// String is how a person finds it.
func (p process) String() string {
	if p.command == "" {
		return fmt.Sprintf("pid %d", p.pid)
	}
	return fmt.Sprintf("pid %d (%s)", p.pid, p.command)
}

// users are those who have an object open: the ids, which the kernel knows to be alive, and the
// processes, as far as /proc shows them. A process that runs under "shmkit lock" has the id of that shmkit as well.
type users struct {
	living    []uint32
	processes []process
	hidden    int             // processes that we may not look into
	fresh     func() []uint32 // asks who is alive now; nil: nobody can be asked
}

// alive asks again before it calls one dead whom a word names: it may have come since.
func (u *users) alive(id uint32) bool {
	if !slices.Contains(u.living, id) && u.fresh != nil {
		u.living = u.fresh()
	}
	return slices.Contains(u.living, id)
}

// named are the processes that show that id.
func (u *users) named(id uint32) (out []process) {
	for _, p := range u.processes {
		if slices.Contains(p.ids, id) {
			out = append(out, p)
		}
	}
	return out
}

// nameless are the processes that must have an id, since they may write, and do not show it: those of
// other languages.
func (u *users) nameless() (out []process) {
	for _, p := range u.processes {
		if p.maps && len(p.ids) == 0 {
			out = append(out, p)
		}
	}
	return out
}

// orphans are the living ids that no process shows.
func (u *users) orphans() (out []uint32) {
	for _, id := range u.living {
		if len(u.named(id)) == 0 {
			out = append(out, id)
		}
	}
	return out
}

// sure reports whether there is one id without a process and one process without an id, and nobody whom we
// do not see.
func (u *users) sure() bool {
	return u.hidden == 0 && len(u.nameless()) == 1 && len(u.orphans()) == 1
}

// who says which processes an id stands for.
func (u *users) who(id uint32) string {
	if all := u.named(id); len(all) > 0 {
		return list(all)
	}
	if u.sure() {
		return "by elimination " + u.nameless()[0].String()
	}
	return "pid unknown"
}

// holder says who is named by a word that holds an id, and whether he lives:
// a dead one's claim is taken over by whoever comes next.
func (u *users) holder(id uint32) string {
	switch {
	case id == 0:
		return "nobody"
	case u.alive(id):
		return fmt.Sprintf("%08x, alive, %s", id, u.who(id))
	}
	return fmt.Sprintf("%08x, dead", id)
}

// print says who has the object open: by the id that lock words name them with, and by pid as far as the
// system lets us see.
func (u *users) print(w io.Writer) {
	if len(u.living) == 0 {
		line(w, "in use", "no")
	} else {
		line(w, "in use", fmt.Sprintf("by %d processes", len(u.living)))
	}
	for _, id := range u.living {
		line(w, fmt.Sprintf("  %08x", id), u.who(id))
	}
	if rest := u.nameless(); len(rest) > 0 && !u.sure() {
		line(w, "  no id shown", list(rest)+": mapped, and none of the ids can be told to be theirs")
	}
	if u.hidden > 0 && len(u.orphans()) > 0 {
		line(w, "  not seen", fmt.Sprintf("%d processes that only their user, or root, may look into", u.hidden))
	}
}

// list has at most a few in it.
func list(all []process) string {
	const most = 8
	var words []string
	for _, p := range all[:min(len(all), most)] {
		words = append(words, p.String())
	}
	if len(all) > most {
		words = append(words, fmt.Sprintf("%d more", len(all)-most))
	}
	return strings.Join(words, ", ")
}

package inspect

import "fmt"

// What the words of package sem have in common; docs/layout.md draws them.
const (
	bitWaiting = 1 // of a word that has no owner
	ownerShift = 3
	noteShift  = 32
)

// claim is a process's place in a table: a cell of 64 bits.
type claim struct {
	id   uint32
	note uint32
}

// claims are those cells that somebody has.
func claims(cells []uint64) (all []claim) {
	for _, v := range cells {
		if id := uint32(v) >> ownerShift; id != 0 {
			all = append(all, claim{id, uint32(v >> noteShift)})
		}
	}
	return all
}

// each is a line for each process that has a claim: how many, as add counts them, and of what.
func (p primitive) each(all []claim, add func(claim) int, one, many string) (lines []string) {
	var ids []uint32
	sum := map[uint32]int{}
	for _, c := range all {
		if _, told := sum[c.id]; !told {
			ids = append(ids, c.id)
		}
		sum[c.id] += add(c)
	}
	for _, id := range ids {
		lines = append(lines, fmt.Sprintf("%s: %s", count(sum[id], one, many), p.who.holder(id)))
	}
	return lines
}

func once(claim) int { return 1 }

func noted(c claim) int { return int(c.note) }

// count is a number with its noun.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// waits is said of a word that somebody may sleep on; the bit outlives a sleeper that was killed.
func waits(b bool) string {
	if b {
		return ", others wait"
	}
	return ", nobody waits"
}

// bell reports whether somebody may sleep on the bell of that name.
func (p primitive) bell(name string) bool { return p.word(name, "word")&bitWaiting != 0 }

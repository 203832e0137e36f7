package inspect

import "fmt"

// The state of a barrier: runner 29 | 0 | generation 29 | W | phase 2.
const (
	barrierPhases  = 3
	barrierRunning = 1
	barrierBroken  = 2
	barrierWaiting = 4
	barrierGen     = 3
)

func showBarrier(p primitive) state {
	var v uint64
	if w := p.words("barrier"); len(w) == 1 {
		v = w[0]
	}
	n, cells := p.word("parties"), p.words("places")
	if n == 0 {
		return state{text: "not initialised", quiet: true}
	}
	if int64(n) > int64(len(cells)) {
		return state{text: fmt.Sprintf("corrupt: it says that it has %d parties", n)}
	}
	gen := uint32(v) >> barrierGen
	places := claims(cells[:n])
	s := state{
		text:  fmt.Sprintf("generation %d, %s, ", gen, p.phase(v)) + parties(places, gen, n) + waits(v&barrierWaiting != 0 || p.bell("room")),
		more:  p.each(places, once, "place", "places"),
		quiet: v&barrierPhases == 0 && len(places) == 0,
	}
	return s
}

func (p primitive) phase(v uint64) string {
	switch v & barrierPhases {
	case 0:
		return "filling"
	case barrierRunning:
		return "its action is run by " + p.who.holder(uint32(v>>noteShift)>>ownerShift)
	case barrierBroken:
		return "broken until Reset"
	}
	return "corrupt"
}

// parties says how far they are. A note is generation<<1|1 when its party has arrived.
func parties(places []claim, gen, n uint32) string {
	arrived, late := 0, 0
	for _, c := range places {
		switch c.note {
		case gen<<1 | 1:
			arrived++
		case 0, 2:
		default:
			late++
		}
	}
	text := fmt.Sprintf("%d of %d arrived", arrived, n)
	if other := len(places) - arrived - late; other > 0 {
		text += fmt.Sprintf(", %d joined", other)
	}
	if late > 0 {
		text += fmt.Sprintf(", %d on the way out of an earlier round", late)
	}
	return text
}

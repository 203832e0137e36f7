package owner

// Base is the first byte of the range of liveness bytes.
const Base = base

// Draw makes the process one that has joined nothing (or something) and has drawn id; undo takes it back.
func Draw(id uint32, joined bool) (undo func()) {
	join.Lock()
	defer join.Unlock()
	word, fixed := Word, join.fixed
	Word, join.fixed = id<<3, joined
	return func() {
		join.Lock()
		defer join.Unlock()
		Word, join.fixed = word, fixed
	}
}

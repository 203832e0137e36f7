package sem

import "sync"

// Guard returns m as a sync.Locker that repairs: when Lock finds m Abandoned it calls repair, holding m,
// and then Repaired, before it returns. If repair panics, m is unlocked and stays Abandoned.
//
// repair sees what the dead holder left: anything that it may have been in the midst of writing.
func (m *Mutex) Guard(repair func()) sync.Locker { return &guard{m, repair} }

type guard struct {
	m      *Mutex
	repair func()
}

func (g *guard) Lock() {
	g.m.Lock()
	if g.m.Abandoned() {
		g.mend()
	}
}

func (g *guard) mend() {
	whole := false
	defer func() {
		if !whole {
			g.m.Unlock()
		}
	}()
	g.repair()
	g.m.Repaired()
	whole = true
}

func (g *guard) Unlock() { g.m.Unlock() }

package proctest

// Stop stops the process with SIGSTOP and returns when all its threads stand.
// Such a process is alive, and nothing may be taken from it.
func (p *Proc) Stop() {
	p.t.Helper()
	if err := stop(p.PID()); err != nil {
		p.t.Fatalf("proctest: stop %s: %v", p.name, err)
	}
}

// Cont lets a stopped process go on.
func (p *Proc) Cont() {
	p.t.Helper()
	if err := cont(p.PID()); err != nil {
		p.t.Fatalf("proctest: continue %s: %v", p.name, err)
	}
}

// Zombie kills the process and returns when it is dead, but does not reap it:
// until Wait or Kill it has a PID that answers signals.
func (p *Proc) Zombie() {
	p.t.Helper()
	err := p.cmd.Process.Kill()
	if err == nil {
		err = awaitDeath(p.PID())
	}
	if err != nil {
		p.t.Fatalf("proctest: kill %s: %v", p.name, err)
	}
}

package value

type pace struct{}

func (p *pace) keep(version uint64) {}

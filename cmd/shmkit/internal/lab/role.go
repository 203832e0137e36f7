package lab

import "fmt"

// Role is a function that runs in a worker process.
type Role struct {
	name string
	run  func(w *Worker) error
}

var roles = map[string]Role{}

// NewRole registers run under a name by which a new process of this program
// finds it. It is called while the program's variables are initialised, so
// that every process knows every role.
func NewRole(name string, run func(w *Worker) error) Role {
	if _, taken := roles[name]; taken {
		panic("lab: two roles named " + name)
	}
	r := Role{name, run}
	roles[name] = r
	return r
}

// findRole is NewRole's other side.
func findRole(name string) (Role, error) {
	r, ok := roles[name]
	if !ok {
		return Role{}, fmt.Errorf("lab: role %q: this program has none of that name", name)
	}
	return r, nil
}

package abi

import (
	"fmt"
	"reflect"
	"strings"
)

// Shareable describes t if it may lie in shared memory: plain data, where every byte means the same in
// every process. Locks of package sem, events and atomics are welcome. The error names the field that
// is not plain, and what to do about it.
func Shareable(t reflect.Type) (Type, error) {
	if err := plain(t, name(t), nil); err != nil {
		return Type{}, err
	}
	return typeOf(t)
}

// Copyable describes t if it is shareable and may also be copied in and out of shared memory: no type
// in it is one whose pointer has Lock and Unlock, because a copy of a lock excludes nobody.
func Copyable(t reflect.Type) (Type, error) {
	if err := plain(t, name(t), uncopyable); err != nil {
		return Type{}, err
	}
	return typeOf(t)
}

// name is how a user calls the type in an error: as in the source, without the package.
func name(t reflect.Type) string {
	if t.Name() != "" {
		return t.Name()
	}
	return t.String()
}

// plain walks t. refuse, if there is one, looks at each type that may occur, and says what is wrong with it.
func plain(t reflect.Type, path string, refuse func(reflect.Type) string) error {
	if why := private(t); why != "" {
		return fmt.Errorf("shm: %s is %s", path, why)
	}
	if refuse != nil {
		if why := refuse(t); why != "" {
			return fmt.Errorf("shm: %s is %s", path, why)
		}
	}
	switch t.Kind() {
	case reflect.Struct:
		for i := range t.NumField() {
			if err := plain(t.Field(i).Type, path+"."+t.Field(i).Name, refuse); err != nil {
				return err
			}
		}
	case reflect.Array:
		// An array of no elements holds no pointer, but marks its struct: [0]func() as not comparable,
		// [0]sync.Mutex as not copyable.
		if t.Len() > 0 || (refuse != nil && refuse(t.Elem()) != "") {
			return plain(t.Elem(), path+"[]", refuse)
		}
	}
	return nil
}

// private says why values of t itself, not of its parts, mean nothing in another process.
func private(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a string: its bytes lie outside the segment; use an array of bytes, or package queue, which encodes"
	case reflect.Slice:
		return "a slice: its elements lie outside the segment; use an array, or package queue, which encodes"
	case reflect.Map, reflect.Chan, reflect.Func, reflect.Interface:
		return article(t.Kind().String()) + ": it lives in one process; use plain data, or package queue, which encodes"
	case reflect.Pointer, reflect.UnsafePointer:
		return "a pointer: it means nothing in another process; use the data itself, or an index"
	case reflect.Struct:
	default:
		return ""
	}
	switch {
	case t.PkgPath() == "sync":
		return "a sync." + t.Name() + ": it works in one process only; use " + instead(t.Name())
	case t.PkgPath() == "sync/atomic" && (t.Name() == "Value" || strings.HasPrefix(t.Name(), "Pointer[")):
		return "an atomic." + t.Name() + ": it points outside the segment; use an atomic index"
	case t.PkgPath() == "time" && t.Name() == "Time":
		return "a time.Time: it points to a time zone of this process; use its UnixNano"
	}
	return ""
}

func article(noun string) string {
	if strings.ContainsAny(noun[:1], "aeiou") {
		return "an " + noun
	}
	return "a " + noun
}

// instead names the replacement for each type of package sync.
func instead(name string) string {
	switch name {
	case "Mutex", "RWMutex", "WaitGroup", "Once", "Cond":
		return "sem." + name
	case "Map":
		return "a manager.Dict"
	case "Pool":
		return "none at all"
	}
	return ""
}

// uncopyable says why a copy of a t is not a t. The methods alone do not tell: the linker drops those
// that nothing calls through an interface, and the pointer types of unexported types with them. So the
// packages are known by name, and so is the marker that vet made a custom.
func uncopyable(t reflect.Type) string {
	if t.Kind() != reflect.Struct {
		if t.PkgPath() != "" && hasLock(t) {
			return "a " + t.String() + ": it has Lock and Unlock, so a copy of it is of no use; keep it in a shm.Var"
		}
		return ""
	}
	switch {
	case t.PkgPath() == "sync/atomic" || strings.HasSuffix(t.PkgPath(), "shmkit/sem"):
		return article(t.String()) + ", and a copy of that is of no use; keep it in a shm.Var"
	case strings.EqualFold(t.Name(), "noCopy"), t.PkgPath() != "" && hasLock(t):
		return article(t.String()) + ": it has Lock and Unlock, so a copy of it is of no use; keep it in a shm.Var"
	}
	return ""
}

// hasLock asks by constant names: that makes the linker keep these methods of every type that it keeps.
func hasLock(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	lock, ok := p.MethodByName("Lock")
	if !ok || lock.Type.NumIn() != 1 || lock.Type.NumOut() != 0 {
		return false
	}
	unlock, ok := p.MethodByName("Unlock")
	return ok && unlock.Type.NumIn() == 1 && unlock.Type.NumOut() == 0
}

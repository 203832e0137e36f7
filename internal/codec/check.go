package codec

import (
	"fmt"
	"math/big"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// Check says why no value of a type can travel as CBOR, with the path of the first field that cannot: functions,
// channels, complex numbers, pointers without a type, interfaces with methods (nobody could decode them), and
// structs none of whose fields is exported, which would arrive empty.
func Check(t reflect.Type) error {
	if f := findings(t); f.err != nil {
		return fmt.Errorf("%v%w", t, f.err)
	}
	return nil
}

// finding is what is known of a type.
type finding struct {
	err     error
	dynamic bool // only a value shows whether it can be encoded: there is an any in it, or it may contain itself
	generic bool // it is an interface
}

var known sync.Map // reflect.Type → finding

func findings(t reflect.Type) finding {
	if f, ok := known.Load(t); ok {
		return f.(finding)
	}
	f := finding{generic: t.Kind() == reflect.Interface}
	f.err = (&checker{f: &f, open: map[reflect.Type]bool{}}).check(t)
	known.Store(t, f)
	return f
}

type checker struct {
	f    *finding
	open map[reflect.Type]bool // what is being looked at
}

// at is an error below a field: each level puts its name in front.
type at struct {
	path string
	err  error
}

func (e *at) Error() string { return e.path + ": " + e.err.Error() }
func (e *at) Unwrap() error { return e.err }

func under(path string, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := err.(*at); ok {
		return &at{path + e.path, e.err}
	}
	return &at{path, err}
}

func (c *checker) check(t reflect.Type) error {
	for n := 0; t.Kind() == reflect.Pointer; n++ {
		if n == 8 {
			return under("", fmt.Errorf("too many pointers in a row"))
		}
		t = t.Elem()
	}
	if isLeaf(t) {
		return under("", checkLeaf(t))
	}
	if c.open[t] {
		c.f.dynamic = true
		return nil
	}
	c.open[t] = true
	defer delete(c.open, t)
	switch t.Kind() {
	case reflect.Struct:
		return c.checkStruct(t)
	case reflect.Slice, reflect.Array:
		return under("[]", c.check(t.Elem()))
	case reflect.Map:
		if err := c.check(t.Key()); err != nil {
			return under("[key]", err)
		}
		return under("[]", c.check(t.Elem()))
	case reflect.Interface:
		c.f.dynamic = true
		if t.NumMethod() > 0 {
			return under("", fmt.Errorf("%v is an interface with methods, and the far side cannot know what to make of it; use a concrete type", t))
		}
	case reflect.Func, reflect.Chan, reflect.Complex64, reflect.Complex128, reflect.UnsafePointer, reflect.Uintptr:
		return under("", cannot(t))
	}
	return nil
}

func cannot(t reflect.Type) error { return fmt.Errorf("%v cannot be encoded", t) }

func (c *checker) checkStruct(t reflect.Type) error {
	usable := t.NumField() == 0
	for f := range t.Fields() {
		if !travels(f) {
			continue
		}
		usable = true
		path := "." + f.Name
		if err := under(path, c.check(f.Type)); err != nil {
			return err
		}
	}
	if !usable {
		return under("", fmt.Errorf("%v has no exported field and no MarshalText: nothing of it would arrive", t))
	}
	return nil
}

// travels reports whether a field is encoded. The fields of an embedded struct are, whatever its name.
func travels(f reflect.StructField) bool {
	tag := f.Tag.Get("cbor")
	if tag == "" {
		tag = f.Tag.Get("json")
	}
	if name, _, _ := strings.Cut(tag, ","); name == "-" {
		return false
	}
	return f.IsExported() || f.Anonymous && indirect(f.Type).Kind() == reflect.Struct
}

func indirect(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

// isNative reports whether the encoder knows a type by itself.
func isNative(t reflect.Type) bool {
	switch t {
	case reflect.TypeFor[time.Time](), reflect.TypeFor[big.Int](), reflect.TypeFor[cbor.Tag](),
		reflect.TypeFor[cbor.RawTag](), reflect.TypeFor[cbor.ByteString](), reflect.TypeFor[cbor.SimpleValue]():
		return true
	}
	return false
}

// isLeaf reports whether a type encodes itself, so that what is inside does not matter.
func isLeaf(t reflect.Type) bool { return isNative(t) || t.Kind() != reflect.Interface && marshals(t) }

func checkLeaf(t reflect.Type) error {
	if isNative(t) || unmarshals(t) {
		return nil
	}
	return fmt.Errorf("%v marshals itself and has no method to unmarshal", t)
}

package codec

import (
	"encoding"
	"fmt"
	"io"
	"reflect"
)

// walker goes through a value as an encoder does.
type walker struct {
	look bool // below an any: what is there has to be checked, and maps need string keys
	leaf func(reflect.Value) error
}

func (w walker) walk(v reflect.Value, level int) error {
	for n := 0; v.IsValid() && (v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface); n++ {
		if v.IsNil() {
			return nil
		}
		w.look = w.look || v.Kind() == reflect.Interface
		if n == 2*maxLevels {
			return under("", tooDeep())
		}
		v = v.Elem()
	}
	if !v.IsValid() {
		return nil
	}
	t := v.Type()
	if isLeaf(t) {
		return under("", w.visit(v))
	}
	if level == maxLevels {
		return under("", tooDeep())
	}
	if w.look && w.leaf == nil {
		if err := w.checkGeneric(t); err != nil {
			return err
		}
	}
	return w.into(v, level)
}

func tooDeep() error {
	return fmt.Errorf("more than %d levels deep, or it contains itself", maxLevels)
}

// into walks what is inside. Scalars end it.
func (w walker) into(v reflect.Value, level int) error {
	switch t := v.Type(); v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if f := t.Field(i); travels(f) {
				if err := under("."+f.Name, w.walk(v.Field(i), level+1)); err != nil {
					return err
				}
			}
		}
	case reflect.Slice, reflect.Array:
		if plain(t.Elem()) {
			return nil
		}
		for i := range v.Len() {
			if err := w.walk(v.Index(i), level+1); err != nil {
				return under(fmt.Sprintf("[%d]", i), err)
			}
		}
	case reflect.Map:
		if plain(t.Elem()) && plain(t.Key()) {
			return nil
		}
		for m := v.MapRange(); m.Next(); {
			if err := w.walk(m.Value(), level+1); err != nil {
				return under(fmt.Sprintf("[%v]", m.Key()), err)
			}
		}
	}
	return nil
}

// plain reports whether there is nothing to find in values of a type.
func plain(t reflect.Type) bool { return t.Kind() <= reflect.Float64 || t.Kind() == reflect.String }

// checkGeneric is Check for what an any holds. Its parts are walked, and so checked, by themselves.
func (w walker) checkGeneric(t reflect.Type) error {
	if f := findings(t); f.err != nil {
		return f.err
	}
	if t.Kind() == reflect.Map && t.Key().Kind() != reflect.String && t.Key().Kind() != reflect.Interface {
		return under("", fmt.Errorf("%v: a map in an any comes back as map[string]any, so its keys must be strings", t))
	}
	return nil
}

func (w walker) visit(v reflect.Value) error {
	if w.leaf == nil {
		return nil
	}
	return w.leaf(v)
}

// as gives v as an M: a T or, through a copy if need be, a *T. Unexported fields are nobody's business.
func as[M any](v reflect.Value) (m M, ok bool) {
	if !v.CanInterface() {
		return m, false
	}
	if m, ok = v.Interface().(M); ok {
		return m, true
	}
	if !v.CanAddr() {
		p := reflect.New(v.Type())
		p.Elem().Set(v)
		v = p.Elem()
	}
	m, ok = v.Addr().Interface().(M)
	return m, ok
}

// tryMarshal repeats what the encoder did, to learn which field has failed.
func tryMarshal(v reflect.Value) error {
	if m, ok := as[encoding.BinaryMarshaler](v); ok {
		_, err := m.MarshalBinary()
		return err
	}
	if m, ok := as[encoding.TextMarshaler](v); ok {
		_, err := m.MarshalText()
		return err
	}
	return nil
}

// closeHandle closes what UnmarshalText has opened.
func closeHandle(v reflect.Value) error {
	if c, ok := as[interface {
		encoding.TextUnmarshaler
		io.Closer
	}](v); ok {
		_ = c.Close() // os.ErrClosed: it was not reached
	}
	return nil
}

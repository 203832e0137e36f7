// Package codec turns values into bytes and back, for what travels between processes: arguments, messages,
// queue items.
//
// [For] chooses: a T that is bytes or a string goes as it is, everything else as CBOR (RFC 8949), by
// github.com/fxamacker/cbor. Handles of this toolkit go as their text and are open when Decode returns.
package codec

import (
	"encoding"
	"fmt"
	"reflect"

	"github.com/fxamacker/cbor/v2"
)

// Codec is one way to encode. Its methods may be called from any goroutine.
type Codec interface {
	// Name stands in the header of what holds encoded values, so that both sides agree.
	Name() string
	// Append appends v's bytes to b. With an error b is returned as it was.
	Append(b []byte, v any) ([]byte, error)
	// Decode sets what v points to, which is zero before, and again after an error. It does not keep b.
	Decode(b []byte, v any) error
}

// The codecs that there are.
var (
	// CBOR is for all that has exported fields or marshals itself; see [Check].
	CBOR Codec = cborCodec{}
	// Raw is for bytes and strings, and types that are made of them, as they are.
	Raw Codec = raw{}
)

// For is the codec of a type: Raw for bytes and strings, unless they marshal themselves, else CBOR.
func For(t reflect.Type) Codec {
	if isRaw(t) && !marshals(t) {
		return Raw
	}
	return CBOR
}

func isRaw(t reflect.Type) bool {
	return t.Kind() == reflect.String || t.Kind() == reflect.Slice && t.Elem() == reflect.TypeFor[byte]()
}

var (
	cborMarshaler     = reflect.TypeFor[cbor.Marshaler]()
	cborUnmarshaler   = reflect.TypeFor[cbor.Unmarshaler]()
	binaryMarshaler   = reflect.TypeFor[encoding.BinaryMarshaler]()
	binaryUnmarshaler = reflect.TypeFor[encoding.BinaryUnmarshaler]()
	textMarshaler     = reflect.TypeFor[encoding.TextMarshaler]()
	textUnmarshaler   = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// marshals reports whether a T or a *T encodes itself.
func marshals(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(cborMarshaler) || p.Implements(binaryMarshaler) || p.Implements(textMarshaler)
}

// unmarshals reports whether a *T decodes what T encodes itself into.
func unmarshals(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	switch {
	case p.Implements(cborMarshaler):
		return p.Implements(cborUnmarshaler)
	case p.Implements(binaryMarshaler):
		return p.Implements(binaryUnmarshaler)
	}
	return p.Implements(textUnmarshaler)
}

type raw struct{}

// Name is "raw".
func (raw) Name() string { return "raw" }

// Append copies.
func (raw) Append(b []byte, v any) ([]byte, error) {
	switch x := v.(type) {
	case []byte:
		return append(b, x...), nil
	case string:
		return append(b, x...), nil
	}
	if x := reflect.ValueOf(v); x.IsValid() && isRaw(x.Type()) {
		if x.Kind() == reflect.String {
			return append(b, x.String()...), nil
		}
		return append(b, x.Bytes()...), nil
	}
	return b, fmt.Errorf("%T is neither bytes nor a string", v)
}

// Decode copies.
func (raw) Decode(b []byte, v any) error {
	p := reflect.ValueOf(v)
	if p.Kind() != reflect.Pointer || p.IsNil() || !isRaw(p.Type().Elem()) {
		return fmt.Errorf("%T is no pointer to bytes or to a string", v)
	}
	if x := p.Elem(); x.Kind() == reflect.String {
		x.SetString(string(b))
	} else {
		x.SetBytes(append(make([]byte, 0, len(b)), b...))
	}
	return nil
}

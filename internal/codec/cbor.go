package codec

import (
	"bytes"
	"fmt"
	"math"
	"reflect"
	"sync"

	"github.com/fxamacker/cbor/v2"
)

// maxLevels is how deep arrays, maps and structs may lie in each other. Deeper input is refused before
// anything is allocated for it, deeper values (and those that contain themselves) before they are encoded.
const maxLevels = 200

// Elements are not counted: input is checked as a whole before anything is allocated, and each element
// takes a byte of it, so a container is at most as many elements long as the input has bytes.
const maxElements = math.MaxInt32

// Modes are made when they are first used: a process that is started for a moment may not need them.
var encMode = sync.OnceValue(func() cbor.UserBufferEncMode {
	return must(cbor.EncOptions{
		Time:          cbor.TimeRFC3339Nano,
		TimeTag:       cbor.EncTagRequired, // so that a time is a time again where an any was
		TextMarshaler: cbor.TextMarshalerTextString,
		IndefLength:   cbor.IndefLengthForbidden,
	}.UserBufferEncMode())
})

var decMode = sync.OnceValue(func() cbor.DecMode {
	return must(cbor.DecOptions{
		IndefLength:       cbor.IndefLengthForbidden,
		MaxNestedLevels:   maxLevels + maxLevels/4, // tags count here
		MaxArrayElements:  maxElements,
		MaxMapPairs:       maxElements,
		IntDec:            cbor.IntDecConvertSignedOrBigInt,
		DefaultMapType:    reflect.TypeFor[map[string]any](),
		UTF8:              cbor.UTF8DecodeInvalid, // a Go string need not be UTF-8
		FieldNameMatching: cbor.FieldNameMatchingCaseSensitive,
		TextUnmarshaler:   cbor.TextUnmarshalerTextString,
	}.DecMode())
})

func must[M any](m M, err error) M {
	if err != nil {
		panic(err) // the options above contradict each other
	}
	return m
}

// cborCodec is CBOR.
//
// What an any holds comes back as nil, bool, int64 (a big.Int where that is too small), float64, string,
// []byte, time.Time, []any or map[string]any. A handle in an any comes back as its text. Times keep their
// zone's offset and lose its name. Unexported fields do not travel; nil and empty slices stay apart.
type cborCodec struct{}

// Name is "cbor".
func (cborCodec) Name() string { return "cbor" }

// Append refuses, with the path of the field, what Decode could not make whole again.
func (cborCodec) Append(b []byte, v any) ([]byte, error) {
	if v == nil {
		return append(b, 0xf6), nil
	}
	f := findings(reflect.TypeOf(v))
	if f.err != nil {
		return b, fmt.Errorf("%T%w", v, f.err)
	}
	if f.dynamic {
		if err := (walker{look: f.generic}).walk(reflect.ValueOf(v), 0); err != nil {
			return b, fmt.Errorf("%T%w", v, err)
		}
	}
	buf := bytes.NewBuffer(b)
	if err := encMode().MarshalToBuffer(v, buf); err != nil {
		if at := (walker{leaf: tryMarshal}).walk(reflect.ValueOf(v), 0); at != nil {
			return b, fmt.Errorf("%T%w", v, at)
		}
		return b, fmt.Errorf("%T: %w", v, err)
	}
	return buf.Bytes(), nil
}

// Decode closes the handles that it had opened before it met an error.
func (cborCodec) Decode(b []byte, v any) error {
	err := decMode().Unmarshal(b, v)
	if err == nil {
		return nil
	}
	if p := reflect.ValueOf(v); p.Kind() == reflect.Pointer && !p.IsNil() {
		_ = walker{leaf: closeHandle}.walk(p, 0)
		p.Elem().SetZero()
	}
	return fmt.Errorf("%T: %w", v, err)
}

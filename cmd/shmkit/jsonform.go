package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// jsonForm turns a line of JSON into an item, and back.
type jsonForm[T any] struct {
	in  func(line []byte) (T, error)
	out func(v T) ([]byte, error)
}

// anyForm is for items that are CBOR: whole numbers are integers, others float64, a struct is an object of its fields.
var anyForm = jsonForm[any]{in: fromJSON, out: func(v any) ([]byte, error) { return marshal(forJSON(v)) }}

// textForm is for bytes and strings. Bytes that are no text are {"base64": "…"}.
var textForm = jsonForm[string]{
	in: func(line []byte) (string, error) {
		v, err := fromJSON(line)
		if err != nil {
			return "", err
		}
		if s, ok := v.(string); ok {
			return s, nil
		}
		if o, ok := v.(map[string]any); ok && len(o) == 1 {
			if s, ok := o["base64"].(string); ok {
				b, err := base64.StdEncoding.DecodeString(s)
				return string(b), err
			}
		}
		return "", errors.New(`this queue holds bytes: want a "text", or {"base64": "…"}`)
	},
	out: func(s string) ([]byte, error) {
		if utf8.ValidString(s) {
			return marshal(s)
		}
		return marshal(map[string][]byte{"base64": []byte(s)})
	},
}

// plainForm is for a type of plain data that JSON knows.
func plainForm[T any]() jsonForm[T] {
	return jsonForm[T]{
		in: func(line []byte) (v T, err error) {
			if err := json.Unmarshal(line, &v); err != nil {
				return v, fmt.Errorf("this queue holds items of the type %T: %w", v, err)
			}
			return v, nil
		},
		out: func(v T) ([]byte, error) { return marshal(forJSON(v)) },
	}
}

// fromJSON is the one value in a line.
func fromJSON(line []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("it is not JSON: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("it is more than one JSON value")
	}
	return numbered(v)
}

// numbered makes numbers of what JSON says.
func numbered(v any) (_ any, err error) {
	switch x := v.(type) {
	case json.Number:
		return number(x.String())
	case []any:
		for i := range x {
			if x[i], err = numbered(x[i]); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for k := range x {
			if x[k], err = numbered(x[k]); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}

func number(s string) (any, error) {
	if strings.ContainsAny(s, ".eE") {
		f, err := strconv.ParseFloat(s, 64)
		return f, err
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n, nil
	}
	n, ok := new(big.Int).SetString(s, 10)
	if !ok {
		return nil, fmt.Errorf("%s is no number", s)
	}
	return n, nil
}

// forJSON makes what JSON has no number for (NaN, the infinities) a string, as dump does.
func forJSON(v any) any {
	switch x := v.(type) {
	case float64:
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return strconv.FormatFloat(x, 'g', -1, 64)
		}
	case float32:
		if f := float64(x); math.IsNaN(f) || math.IsInf(f, 0) {
			return strconv.FormatFloat(f, 'g', -1, 32)
		}
	case big.Int:
		return json.Number(x.String())
	case []any:
		for i := range x {
			x[i] = forJSON(x[i])
		}
	case map[string]any:
		for k := range x {
			x[k] = forJSON(x[k])
		}
	}
	return v
}

// marshal is JSON as people write it.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

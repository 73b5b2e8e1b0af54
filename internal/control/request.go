package control

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"unicode/utf8"
)

// ReadBody decodes the body of a request, of at most limit bytes, into v.
func ReadBody(w http.ResponseWriter, r *http.Request, limit int64, v any) error {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return fmt.Errorf("%w: at most %d bytes are taken", ErrTooLarge, limit)
	}
	if err != nil {
		return fmt.Errorf("%w: read body: %w", ErrRequest, err)
	}
	return Decode(raw, v)
}

// Decode reads one JSON value and refuses what would be changed or lost on the
// way: unknown fields, invalid UTF-8, anything behind the value.
func Decode(raw []byte, v any) error {
	if !utf8.Valid(raw) {
		return fmt.Errorf("%w: the body is not valid UTF-8", ErrRequest)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("%w: the body is empty", ErrRequest)
		}
		return fmt.Errorf("%w: %w", ErrRequest, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: something follows the JSON value", ErrRequest)
	}
	return nil
}

// Params are the parameters of a query.
type Params struct {
	Err    error // the first mistake
	values url.Values
	wrong  error
}

// ReadParams parses the query of r and refuses parameters beyond the known ones,
// and repeated ones. Values that make no sense are the error wrong.
func ReadParams(r *http.Request, wrong error, known ...string) *Params {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return &Params{Err: fmt.Errorf("%w: %w", ErrRequest, err)}
	}
	for name, v := range values {
		if !slices.Contains(known, name) {
			return &Params{Err: fmt.Errorf("%w: unknown parameter %.40q; known are %q", ErrRequest, name, known)}
		}
		if len(v) > 1 {
			return &Params{Err: fmt.Errorf("%w: parameter %q is given %d times", ErrRequest, name, len(v))}
		}
	}
	return &Params{values: values, wrong: wrong}
}

// NoParams refuses every parameter.
func NoParams(r *http.Request) error { return ReadParams(r, nil).Err }

// refuse keeps the first mistake.
func (p *Params) refuse(format string, args ...any) {
	if p.Err == nil {
		p.Err = fmt.Errorf("%w: %s", p.wrong, fmt.Sprintf(format, args...))
	}
}

// Text is a parameter as it is; empty when absent.
func (p *Params) Text(name string) string { return p.values.Get(name) }

// Number reads a decimal parameter; an absent one is zero.
func (p *Params) Number(name string) uint64 {
	text := p.Text(name)
	if text == "" {
		return 0
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		p.refuse("%s is %.40q; give a number", name, text)
		return 0
	}
	return n
}

// Size is a Number that fits an int.
func (p *Params) Size(name string) int {
	n := p.Number(name)
	if n > 1<<31-1 {
		p.refuse("%s is %d, which is too large", name, n)
		return 0
	}
	return int(n)
}

// Descending reads the parameter order: asc or desc, or absent.
func (p *Params) Descending(absent bool) bool {
	switch order := p.Text("order"); order {
	case "":
	case "asc", "desc":
		return order == "desc"
	default:
		p.refuse("order is %.40q; give asc or desc", order)
	}
	return absent
}

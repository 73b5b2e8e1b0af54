package linkapi

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

	"herald.example/internal/link"
)

// MaxBody is the longest body of a request, in bytes. A batch of
// link.MaxBatch links with ordinary targets is a tenth of it.
const MaxBody = 16 << 20

// readBody decodes the body of a request into v.
func readBody(w http.ResponseWriter, r *http.Request, v any) error {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return fmt.Errorf("%w: at most %d bytes are taken; put the links in several batches", ErrTooLarge, tooLarge.Limit)
	}
	if err != nil {
		return fmt.Errorf("%w: read body: %w", ErrRequest, err)
	}
	return decode(raw, v)
}

// decode reads one JSON value and refuses what would be changed or lost on the
// way: unknown fields, invalid UTF-8, anything behind the value.
func decode(raw []byte, v any) error {
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

// params are the parameters of a query. The first mistake is kept in err.
type params struct {
	values url.Values
	err    error
}

// readParams parses the query of r and refuses parameters beyond the known
// ones, and repeated ones.
func readParams(r *http.Request, known ...string) *params {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return &params{err: fmt.Errorf("%w: %w", ErrRequest, err)}
	}
	for name, v := range values {
		if !slices.Contains(known, name) {
			return &params{err: fmt.Errorf("%w: unknown parameter %q; known are %q", ErrRequest, name, known)}
		}
		if len(v) > 1 {
			return &params{err: fmt.Errorf("%w: parameter %q is given %d times", ErrRequest, name, len(v))}
		}
	}
	return &params{values: values}
}

// number reads a decimal parameter; an absent one is zero.
func (p *params) number(name string) uint64 {
	text := p.values.Get(name)
	if text == "" {
		return 0
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil && p.err == nil {
		p.err = fmt.Errorf("%w: %s is %q; give a number", link.ErrQuery, name, text)
	}
	return n
}

// size is a number that fits an int.
func (p *params) size(name string) int {
	n := p.number(name)
	if n > 1<<31-1 {
		if p.err == nil {
			p.err = fmt.Errorf("%w: %s is %d, which is too large", link.ErrQuery, name, n)
		}
		return 0
	}
	return int(n)
}

// descending reads the parameter order: asc, the default, or desc.
func (p *params) descending() bool {
	switch order := p.values.Get("order"); order {
	case "", "asc":
	case "desc":
		return true
	default:
		if p.err == nil {
			p.err = fmt.Errorf("%w: order is %q; give asc or desc", link.ErrQuery, order)
		}
	}
	return false
}

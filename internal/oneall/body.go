package oneall

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"herald.example/internal/share"
)

// root is a request's body. What else stands in it is ignored: the .NET SDK sends
// request.date and request.resource along.
type root[T any] struct {
	Request part[T] `json:"request"`
}

// part is an object that may be missing. PHP writes an empty object as [], and null
// means as little. Of an object that comes twice the last one counts.
type part[T any] struct {
	sent bool
	v    T
}

func (p *part[T]) UnmarshalJSON(raw []byte) error {
	*p = part[T]{}
	if string(raw) == "null" || raw[0] == '[' && len(bytes.TrimSpace(raw[1:len(raw)-1])) == 0 {
		return nil
	}
	p.sent = true
	return json.Unmarshal(raw, &p.v)
}

// flag is a boolean as clients send it: 1, "1", true and their opposites.
type flag struct {
	sent, on bool
}

func (f *flag) UnmarshalJSON(raw []byte) error {
	switch string(raw) {
	case `1`, `"1"`, `true`, `"true"`:
		*f = flag{true, true}
	case `0`, `"0"`, `false`, `"false"`, `""`:
		*f = flag{true, false}
	case `null`:
		*f = flag{}
	default:
		value := "text"
		if raw[0] != '"' {
			value = "value"
		}
		return &json.UnmarshalTypeError{Value: value, Type: reflect.TypeFor[bool]()}
	}
	return nil
}

// decode reads the object request of a body of at most limit bytes. An empty body is
// one without request where that is allowed.
func decode[T any](h *Handler, c *call, limit int64, optional bool) (T, error) {
	var body root[T]
	raw, err := h.readBody(c, min(limit, h.o.MaxBody))
	if err != nil {
		return body.Request.v, err
	}
	if len(raw) == 0 {
		if optional {
			return body.Request.v, nil
		}
		return body.Request.v, badRequest(`The body is empty; send JSON with an object "request".`)
	}
	if err := json.Unmarshal(raw, &body); err != nil {
		return body.Request.v, decodeError(err)
	}
	if !body.Request.sent && !optional {
		return body.Request.v, badRequest(`request is missing; wrap the body in an object "request".`)
	}
	return body.Request.v, nil
}

// maxValues bounds the commas and brackets of a body: a text may consist of them, and
// nothing else of a message has many. Each can stand for a value that takes ten times
// the room when it is decoded.
const maxValues = 512 << 10

// readBody reads the body within its bound, whatever its Content-Type says: some
// clients send JSON as a form, or name no type (contract, section 0.1). The room that
// it takes is the call's until that is released.
func (h *Handler) readBody(c *call, limit int64) ([]byte, error) {
	body, err := h.takeBody(c, limit)
	if err != nil {
		c.drain(2 * h.o.MaxBody)
		return nil, err
	}
	raw := bytes.TrimPrefix(bytes.TrimSpace(body.Bytes()), []byte("\uFEFF"))
	if !utf8.Valid(raw) {
		return nil, badRequest("The body is not valid UTF-8.")
	}
	if bytes.Count(raw, []byte(","))+bytes.Count(raw, []byte("{"))+bytes.Count(raw, []byte("[")) > maxValues {
		return nil, badRequest("The body has too many values; a message has far fewer.")
	}
	return raw, nil
}

// takeBody brings a body into memory, within its bound and as far as there is room.
func (h *Handler) takeBody(c *call, limit int64) (*bytes.Buffer, error) {
	tooLarge := badRequest("The body is too large; at most %d bytes are taken.", limit)
	length := c.r.ContentLength // -1: not said
	if length > limit {
		return nil, tooLarge
	}
	body, source := new(bytes.Buffer), http.MaxBytesReader(c.w, c.r.Body, limit)
	for _, room := range []struct {
		bodies *share.Pool
		most   int64 // bytes of a body in it
	}{{h.small, min(smallBody, limit)}, {h.large, limit}} {
		size := length
		switch {
		case size > room.most:
			continue
		case size < 0:
			size = room.most
		}
		if err := c.reserve(room.bodies, size); err != nil {
			return nil, err
		}
		if length > 0 {
			body.Grow(int(length) + bytes.MinRead) // it is held for the body anyway, and grows no further
		}
		// One byte more than it may have shows that it goes on.
		_, err := io.Copy(body, io.LimitReader(source, room.most+1-int64(body.Len())))
		if large := (*http.MaxBytesError)(nil); errors.As(err, &large) {
			return nil, tooLarge
		} else if err != nil {
			return nil, badRequest("The body could not be read to its end.")
		}
		if int64(body.Len()) <= room.most {
			break
		}
	}
	return body, nil
}

// drain reads what is left of a body that is not taken, and keeps nothing of it: most
// clients of HTTP/1 look for an answer when they have sent all, and find a broken
// connection when nobody reads. Who asks before sending needs none of that.
func (c *call) drain(most int64) {
	if c.r.ProtoMajor == 1 && c.r.Header.Get("Expect") == "" && c.r.ContentLength <= most {
		_, _ = io.CopyN(io.Discard, c.r.Body, most) // there is an answer already
	}
}

// decodeError says what is wrong with a body, and where.
func decodeError(err error) error {
	if wrong, found := errors.AsType[*json.UnmarshalTypeError](err); found {
		where := wrong.Field
		if where == "" {
			where = "The body"
		}
		return badRequest("%s must be %s, not %s.", where, typeName(wrong.Type), wrong.Value)
	}
	if syntax, found := errors.AsType[*json.SyntaxError](err); found {
		return badRequest("The body is no JSON: %s (at byte %d).", syntax, syntax.Offset)
	}
	return badRequest("The body is no JSON: %s.", err)
}

// typeName is a Go type in the words of JSON.
func typeName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "text"
	case reflect.Slice:
		return "a list"
	case reflect.Bool:
		return "1 or 0"
	default:
		return "an object"
	}
}

// isToken says whether s has the form of our tokens, and returns it as they are
// written. What has another form names nothing.
func isToken(s string) (token string, ok bool) {
	id, err := uuid.Parse(s)
	if err != nil || len(s) != 36 {
		return "", false
	}
	return id.String(), true
}

// pathToken is the token of the path as ours are written. Noun is what it names.
func (c *call) pathToken(noun string) (string, error) {
	token, ok := isToken(c.token)
	if !ok {
		return "", missing(noun)
	}
	return token, nil
}

// bodyToken is a token of the body. Where names it, noun is what it names.
func bodyToken(where, noun, s string) (string, error) {
	if strings.TrimSpace(s) == "" {
		return "", badRequest("%s is missing; give the token of the %s.", where, noun)
	}
	token, ok := isToken(s)
	if !ok {
		return "", missing(noun)
	}
	return token, nil
}

// confirmed refuses deletions that do not say confirm_deletion=true.
func (c *call) confirmed() error {
	if c.query.Get("confirm_deletion") != "true" {
		return badRequest("Nothing was deleted: the deletion must be confirmed by the parameter confirm_deletion=true.")
	}
	return nil
}

package control_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"herald.example/internal/control"
)

// request is what a body of the tests is read into.
type request struct {
	Links []struct {
		Target string `json:"original_url"`
	} `json:"links"`
}

func TestDecodeRefuses(t *testing.T) {
	for _, c := range []struct{ name, body string }{
		{"nothing", ""},
		{"space", " \n"},
		{"no JSON", "links"},
		{"cut short", `{"links":[{"original_url":"https://a.example/"}`},
		{"unknown field", `{"links":[],"link":[]}`},
		{"unknown field of a link", `{"links":[{"original_url":"https://a.example/","url":"x"}]}`},
		{"a field of the answer", `{"links":[{"original_url":"https://a.example/","number":7}]}`},
		{"wrong type", `{"links":[{"original_url":7}]}`},
		{"array", `[]`},
		{"two values", `{"links":[]} {"links":[]}`},
		{"something behind", `{"links":[]}x`},
		{"invalid UTF-8", "{\"links\":[{\"original_url\":\"https://a.example/\xff\"}]}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got request
			if err := control.Decode([]byte(c.body), &got); !errors.Is(err, control.ErrRequest) {
				t.Errorf("got %v; want ErrRequest", err)
			}
		})
	}
}

var errQuery = errors.New("bad query")

func TestReadParamsRefuses(t *testing.T) {
	for _, c := range []struct {
		query string
		want  error
	}{
		{"limit=x", errQuery},
		{"limit=-1", errQuery},
		{"limit=1e3", errQuery},
		{"limit=99999999999", errQuery},
		{"after=18446744073709551616", errQuery},
		{"order=up", errQuery},
		{"page=2", control.ErrRequest},
		{"limit=1&limit=2", control.ErrRequest},
		{"limit=%zz", control.ErrRequest},
		{"limit=7;after=8", control.ErrRequest},
		{"after=18446744073709551615&limit=7&order=desc", nil},
		{"", nil},
	} {
		p := control.ReadParams(httptest.NewRequest(http.MethodGet, "/v1/links?"+c.query, nil), errQuery, "after", "limit", "order")
		p.Number("after")
		p.Size("limit")
		p.Descending(false)
		if !errors.Is(p.Err, c.want) {
			t.Errorf("%q: got %v; want %v", c.query, p.Err, c.want)
		}
	}
}

func TestParams(t *testing.T) {
	for _, c := range []struct {
		query      string
		number     uint64
		size       int
		descending bool
	}{
		{"", 0, 0, true},
		{"after=&limit=&order=", 0, 0, true},
		{"after=18446744073709551615&limit=0&order=asc", 1<<64 - 1, 0, false},
		{"limit=2147483647&order=desc", 0, 1<<31 - 1, true},
	} {
		p := control.ReadParams(httptest.NewRequest(http.MethodGet, "/?"+c.query, nil), errQuery, "after", "limit", "order")
		number, size, descending := p.Number("after"), p.Size("limit"), p.Descending(true)
		if number != c.number || size != c.size || descending != c.descending || p.Err != nil {
			t.Errorf("%q: got %d, %d, %t, %v; want %d, %d, %t", c.query, number, size, descending, p.Err, c.number, c.size, c.descending)
		}
	}
	if err := control.NoParams(httptest.NewRequest(http.MethodGet, "/?a=b", nil)); !errors.Is(err, control.ErrRequest) {
		t.Errorf("a parameter where none is known: got %v; want ErrRequest", err)
	}
}

func TestSegment(t *testing.T) {
	for text, want := range map[string]string{
		"docs": "docs", "a/b": "a%2Fb", "a?b#c": "a%3Fb%23c", "...": "...", "": "", ".": "", "..": "", "a\xff": "", strings.Repeat("a", 1001): "",
	} {
		if got, ok := control.Segment(text); ok != (want != "") || ok && got != want {
			t.Errorf("%.20q: got %q, %t; want %q", text, got, ok, want)
		}
	}
}

func TestReadBody(t *testing.T) {
	read := func(body string) (got request, err error) {
		err = control.ReadBody(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body)), 12, &got)
		return got, err
	}
	if _, err := read(`{"links":[]}`); err != nil {
		t.Errorf("a body at the limit: got %v; want nil", err)
	}
	if _, err := read(`{"links":[]} `); !errors.Is(err, control.ErrTooLarge) || !strings.Contains(err.Error(), "12 bytes") {
		t.Errorf("a body over the limit: got %v; want ErrTooLarge with the limit", err)
	}
	r := httptest.NewRequest(http.MethodPost, "/", iotest.ErrReader(io.ErrUnexpectedEOF))
	if err := control.ReadBody(httptest.NewRecorder(), r, 12, new(request)); !errors.Is(err, control.ErrRequest) {
		t.Errorf("a body that breaks off: got %v; want ErrRequest", err)
	}
}

package linkapi

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"

	"herald.example/internal/link"
)

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
			var request putRequest
			if err := decode([]byte(c.body), &request); !errors.Is(err, ErrRequest) {
				t.Errorf("got %v; want ErrRequest", err)
			}
		})
	}
}

func TestReadParamsRefuses(t *testing.T) {
	for _, c := range []struct {
		query string
		want  error
	}{
		{"limit=x", link.ErrQuery},
		{"limit=-1", link.ErrQuery},
		{"limit=1e3", link.ErrQuery},
		{"limit=99999999999", link.ErrQuery},
		{"after=18446744073709551616", link.ErrQuery},
		{"order=up", link.ErrQuery},
		{"page=2", ErrRequest},
		{"limit=1&limit=2", ErrRequest},
		{"limit=%zz", ErrRequest},
		{"limit=7;after=8", ErrRequest},
		{"after=18446744073709551615&limit=7&order=desc", nil},
		{"", nil},
	} {
		p := readParams(httptest.NewRequest(http.MethodGet, "/v1/links?"+c.query, nil), "after", "limit", "order")
		p.number("after")
		p.size("limit")
		p.descending()
		if !errors.Is(p.err, c.want) {
			t.Errorf("%q: got %v; want %v", c.query, p.err, c.want)
		}
	}
}

// FuzzPutRequest: what the parser takes says the same when it is sent again,
// and the targets in it are text that came byte for byte.
func FuzzPutRequest(f *testing.F) {
	f.Add([]byte(`{"links":[{"original_url":"https://a.example/?a=b&c=%2F","shorturl_token":"a","domain":"go.example.com","site":"s","publication":"p"}]}`))
	f.Add([]byte(`{"links":[]}`))
	f.Add([]byte(`{"links":null}`))
	f.Add([]byte(`{"LINKS":[{"original_url":"\u0000\ud800\u003c"}]}`))
	f.Add([]byte("\xff\xfe"))
	f.Fuzz(func(t *testing.T, body []byte) {
		var request putRequest
		if decode(body, &request) != nil {
			return
		}
		raw, err := json.Marshal(request)
		if err != nil {
			t.Fatalf("marshal %+v: %v", request, err)
		}
		var again putRequest
		if err := decode(raw, &again); err != nil || !reflect.DeepEqual(request, again) {
			t.Errorf("got %+v, %v; want %+v", again, err, request)
		}
		for i, d := range request.Links {
			if newDraft(d.draft()) != d {
				t.Errorf("draft %d: got %+v; want %+v", i, newDraft(d.draft()), d)
			}
			if _, err := checkText(d.draft()); err != nil {
				t.Errorf("draft %d: got %v; want text", i, err)
			}
		}
	})
}

// FuzzCountsRequest: a query that is understood means the same when it is sent
// again.
func FuzzCountsRequest(f *testing.F) {
	f.Add([]byte(`{"links":[{"shorturl_token":"a"}],"from":"2026-01-31T00:00:00Z","to":"2026-02-01T00:00:00+05:45","step":"24h","by":"country"}`))
	f.Add([]byte(`{"links":[],"from":"2026-01-31T00:00:00.999999999Z"}`))
	f.Add([]byte(`{"step":"-1h"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var request countsRequest
		if decode(body, &request) != nil {
			return
		}
		query, err := request.query()
		if err != nil {
			if !errors.Is(err, link.ErrQuery) {
				t.Errorf("got %v; want ErrQuery", err)
			}
			return
		}
		again, err := newCountsRequest(query).query()
		if err != nil || !again.From.Equal(query.From) || !again.To.Equal(query.To) || again.Step != query.Step || again.By != query.By || len(again.Links) != len(query.Links) {
			t.Errorf("got %+v, %v; want %+v", again, err, query)
		}
	})
}

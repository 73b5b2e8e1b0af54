package linkapi

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"

	"herald.example/internal/control"
	"herald.example/internal/link"
)

// FuzzPutRequest: what the parser takes says the same when it is sent again,
// and the targets in it are text that came byte for byte.
func FuzzPutRequest(f *testing.F) {
	f.Add([]byte(`{"links":[{"original_url":"https://a.example/?a=b&c=%2F","shorturl_token":"a","domain":"go.example.com","site":"s","publication":"p"}]}`))
	f.Add([]byte(`{"links":[{"original_url":"https://a.example/","redirect":"js"},{"redirect":"302"},{"redirect":"301"}]}`))
	f.Add([]byte(`{"links":[]}`))
	f.Add([]byte(`{"links":null}`))
	f.Add([]byte(`{"LINKS":[{"original_url":"\u0000\ud800\u003c"}]}`))
	f.Add([]byte("\xff\xfe"))
	f.Fuzz(func(t *testing.T, body []byte) {
		var request putRequest
		if control.Decode(body, &request) != nil {
			return
		}
		raw, err := json.Marshal(request)
		if err != nil {
			t.Fatalf("marshal %+v: %v", request, err)
		}
		var again putRequest
		if err := control.Decode(raw, &again); err != nil || !reflect.DeepEqual(request, again) {
			t.Errorf("got %+v, %v; want %+v", again, err, request)
		}
		for i, d := range request.Links {
			plain, err := d.draft()
			if err != nil {
				if !errors.Is(err, link.ErrMethod) {
					t.Errorf("draft %d: got %v; want ErrMethod", i, err)
				}
				continue
			}
			if d.Redirect == "302" {
				d.Redirect = "" // which means it
			}
			if newDraft(plain) != d {
				t.Errorf("draft %d: got %+v; want %+v", i, newDraft(plain), d)
			}
			if _, err := checkText(plain); err != nil {
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
		if control.Decode(body, &request) != nil {
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

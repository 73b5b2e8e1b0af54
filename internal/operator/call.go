package operator

import (
	"context"
	"fmt"
	"net/http"

	"herald.example/internal/control"
	"herald.example/internal/publish"
	"herald.example/internal/site"
)

// collections are the things of a site that have tokens: where they are found, and
// what is said of one that no path can carry.
var collections = map[string]struct {
	path     string
	notFound error
}{
	"user":     {"/users/", site.ErrNotFound},
	"identity": {"/identities/", site.ErrNotFound},
	"message":  {"/messages/", publish.ErrNotFound},
	"user key": {"/userkeys/", site.ErrNotFound},
}

// call sends one request and returns the answer, within answerTimeout.
func call[Answer any](ctx context.Context, c *Client, method, path string, request any) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	var answer Answer
	err := c.wire.Call(ctx, method, path, request, &answer)
	return answer, err
}

// callSite is call about a site.
func callSite[Answer any](ctx context.Context, c *Client, method, name, rest string, request any) (Answer, error) {
	segment, ok := control.Segment(name)
	if !ok {
		var none Answer
		return none, fmt.Errorf("site %.100q: %w", name, site.ErrNotFound)
	}
	return call[Answer](ctx, c, method, "/v1/sites/"+segment+rest, request)
}

// callToken is call about one thing of a site.
func callToken[Answer any](ctx context.Context, c *Client, method, name, what, token string, request any) (Answer, error) {
	collection := collections[what]
	segment, ok := control.Segment(token)
	if !ok {
		var none Answer
		return none, fmt.Errorf("%s: %w", what, collection.notFound)
	}
	return callSite[Answer](ctx, c, method, name, collection.path+segment, request)
}

// callList is call for a page of things of a site.
func callList[Entry any](ctx context.Context, c *Client, name, what string, q site.ListQuery) (Page[Entry], error) {
	if err := q.Check(); err != nil {
		return Page[Entry]{}, fmt.Errorf("list %s: %w", what, err)
	}
	return callSite[Page[Entry]](ctx, c, http.MethodGet, name, "/"+what+query(q), nil)
}

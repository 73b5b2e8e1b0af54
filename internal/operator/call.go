package operator

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"unicode/utf8"

	"herald.example/internal/linkapi"
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
}

// call sends one request and returns the answer, within answerTimeout.
func call[Answer any](ctx context.Context, c *Client, method, path string, request any) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	var answer Answer
	err := c.send(ctx, method, path, request, &answer)
	return answer, err
}

// callSite is call about a site.
func callSite[Answer any](ctx context.Context, c *Client, method, name, rest string, request any) (Answer, error) {
	segment, ok := segment(name)
	if !ok {
		var none Answer
		return none, fmt.Errorf("site %.100q: %w", name, site.ErrNotFound)
	}
	return call[Answer](ctx, c, method, "/v1/sites/"+segment+rest, request)
}

// callToken is call about one thing of a site.
func callToken[Answer any](ctx context.Context, c *Client, method, name, what, token string) (Answer, error) {
	collection := collections[what]
	segment, ok := segment(token)
	if !ok {
		var none Answer
		return none, fmt.Errorf("%s: %w", what, collection.notFound)
	}
	return callSite[Answer](ctx, c, method, name, collection.path+segment, nil)
}

// callList is call for a page of things of a site.
func callList[Entry any](ctx context.Context, c *Client, name, what string, q site.ListQuery) (Page[Entry], error) {
	if err := q.Check(); err != nil {
		return Page[Entry]{}, fmt.Errorf("list %s: %w", what, err)
	}
	return callSite[Page[Entry]](ctx, c, http.MethodGet, name, "/"+what+query(q), nil)
}

// maxSegment is the longest part of a path that is sent, in bytes. Names and
// tokens are a tenth of it.
const maxSegment = 1000

// segment is text as one part of a path. What no path can carry, and so nothing
// can be called, is not sent.
func segment(text string) (string, bool) {
	ok := text != "" && text != "." && text != ".." && len(text) <= maxSegment && utf8.ValidString(text)
	return url.PathEscape(text), ok
}

// send sends one request and decodes the answer.
func (c *Client) send(ctx context.Context, method, path string, request, answer any) error {
	var body io.Reader
	if request != nil {
		var buf bytes.Buffer
		if err := encode(&buf, request); err != nil {
			return fmt.Errorf("encode request: %w", err)
		}
		body = &buf
	}
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return fmt.Errorf("%w: %w", linkapi.ErrRequest, err)
	}
	r.Header.Set("Authorization", "Bearer "+c.token)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	response, err := c.http.Do(r)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err // without the URL, which may be a placeholder
		}
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	defer response.Body.Close()
	if response.StatusCode >= 300 {
		var refused refusalBody
		if err := json.NewDecoder(io.LimitReader(response.Body, 1<<20)).Decode(&refused); err != nil || refused.Error.Code == "" {
			return fmt.Errorf("%w: status %d without an error of ours; is this the control address of a sharing server?", ErrUnavailable, response.StatusCode)
		}
		return refused.Error.accept()
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(answer); err != nil {
		return fmt.Errorf("read answer of %s %s: %w", method, path, err)
	}
	return nil
}

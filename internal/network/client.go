package network

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"

	"herald.example/internal/fetch"
	"herald.example/internal/publish"
)

// MaxAnswer is the longest answer that is read, in bytes. What networks say of a
// post is a hundredth of it.
const MaxAnswer = 1 << 20

// Limits of a call, beside what its context says. To connect takes 5 s at most:
// that is the transport's.
const (
	callTimeout   = 30 * time.Second
	uploadTimeout = 5 * time.Minute
	uploadSize    = 64 << 10 // bytes; a larger body is an upload
)

// Client sends requests to networks. It is safe for concurrent use.
type Client struct {
	http *http.Client
}

// NewClient returns a client that sends by transport: the guarded one of room
// fetch, or a test's.
func NewClient(transport http.RoundTripper) *Client {
	return &Client{&http.Client{
		Transport: transport,
		// A redirected POST would be another request, with the token, to another server.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Answer is what a network answered, with any status. The caller owns it.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte // at most MaxAnswer bytes
	Cut    bool   // the body of a refusal broke off, or was too long
}

// OK says whether the status is one of success.
func (a Answer) OK() bool { return a.Status >= 200 && a.Status < 300 }

// Do sends one request, once, and reads its answer. The call takes 30 s at most,
// an upload 5 min, and less when the request's context says so. Redirects are not
// followed.
//
// When there is no answer, or a success whose body is broken or longer than
// MaxAnswer, the error is a *publish.Error for network: Transient when nothing of
// the request was written or it is a GET, which makes nothing; else
// UnknownOutcome. A server whose address the transport refuses is
// AppMisconfigured. The body of a refusal may be cut: with most networks its
// status says enough.
func (c *Client) Do(network string, r *http.Request) (Answer, error) {
	timeout := callTimeout
	if r.ContentLength > uploadSize || r.ContentLength < 0 {
		timeout = uploadTimeout
	}
	ctx, cancel := context.WithTimeout(r.Context(), timeout)
	defer cancel()

	var wrote atomic.Bool // also by a connection that lost the race for this request
	safe := r.Method == http.MethodGet || r.Method == http.MethodHead
	r = r.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteHeaders: func() { wrote.Store(true) },
		WroteRequest: func(httptrace.WroteRequestInfo) { wrote.Store(true) },
	}))
	if !safe {
		// net/http repeats a POST with an Idempotency-Key by itself when an idle
		// connection breaks. Not every network keeps the key, so it must not be able to.
		r.GetBody = nil
	}

	fail := func(words string, status int, err error) error {
		e := &publish.Error{Kind: publish.UnknownOutcome, Network: network, Message: words, Status: status, Err: cause(err)}
		if safe || !wrote.Load() {
			e.Kind = publish.Transient
		}
		if errors.Is(err, fetch.ErrRefusedAddress) {
			e.Kind, e.Message = publish.AppMisconfigured, "the server has an address that must not be reached"
		}
		return e
	}
	response, err := c.http.Do(r)
	if err != nil {
		if wrote.Load() {
			return Answer{}, fail("no answer", 0, err)
		}
		return Answer{}, fail("no connection", 0, err)
	}
	defer response.Body.Close()
	answer := Answer{Status: response.StatusCode, Header: response.Header}
	answer.Body, err = io.ReadAll(io.LimitReader(response.Body, MaxAnswer+1))
	tooLong := len(answer.Body) > MaxAnswer
	if tooLong {
		answer.Body = answer.Body[:MaxAnswer]
	}
	switch {
	case !answer.OK():
		answer.Cut = tooLong || err != nil
		return answer, nil
	case tooLong:
		return Answer{}, fail(fmt.Sprintf("the answer is longer than %d bytes", MaxAnswer), answer.Status, nil)
	case err != nil:
		return Answer{}, fail("the answer broke off", answer.Status, err)
	}
	return answer, nil
}

// cause is err without the URL, which a server's name or a query would bring
// into logs.
func cause(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

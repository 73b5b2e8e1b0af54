package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"
)

// Limits of a client.
const (
	dialTimeout = 5 * time.Second
	maxRefusal  = 1 << 20 // bytes
	maxSegment  = 1000    // bytes of a part of a path; names and tokens are a tenth of it
)

// Server is what a client must know of the server that it asks.
type Server struct {
	Name        string        // as in "is this the control address of NAME?"
	Unavailable error         // is returned when the server stops or does not answer
	FirstByte   time.Duration // until the first byte of an answer; zero: the context is the only bound
	MaxAnswer   int64         // bytes
}

// Client asks a server over its control interface. It is safe for concurrent use.
type Client struct {
	server Server
	base   string // of every URL, without a path
	token  string
	http   *http.Client
	accept func(body io.Reader) error
}

// NewClient returns a client of the control interface at addr: host:port,
// http://host:port, or unix:/path, whose refusals are R. It does not connect yet.
func NewClient[R Refused](addr, token string, server Server) (*Client, error) {
	dialer := &net.Dialer{Timeout: dialTimeout}
	transport := &http.Transport{
		DialContext:           dialer.DialContext,
		ResponseHeaderTimeout: server.FirstByte,
		MaxIdleConnsPerHost:   16,
		IdleConnTimeout:       idleTimeout / 2, // before the server closes it
	}
	c := &Client{server: server, token: token, accept: accept[R], http: &http.Client{
		Transport: transport,
		// The control interface never redirects, and the token goes nowhere else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	if path, ok := strings.CutPrefix(addr, socketPrefix); ok {
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", path)
		}
		c.base = "http://server"
		return c, nil
	}
	addr = strings.TrimSuffix(strings.TrimPrefix(addr, "http://"), "/")
	if _, _, err := net.SplitHostPort(addr); err != nil {
		return nil, fmt.Errorf("control address %q: give host:port or unix:/path: %w", addr, err)
	}
	c.base = "http://" + addr
	return c, nil
}

// accept reads a refusal; nil when it is none of ours.
func accept[R Refused](body io.Reader) error {
	var refused refusalBody[R]
	if json.NewDecoder(body).Decode(&refused) == nil && refused.Error.Ours() {
		return refused.Error.Accept()
	}
	return nil
}

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Call sends one request and decodes the answer into answer, unless it is nil.
func (c *Client) Call(ctx context.Context, method, path string, request, answer any) error {
	response, err := c.Send(ctx, method, path, request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if answer == nil {
		return nil
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, c.server.MaxAnswer)).Decode(answer); err != nil {
		return fmt.Errorf("read answer of %s %s: %w", method, path, err)
	}
	return nil
}

// Send sends one request and returns an answer that is no refusal; the caller
// closes its body.
func (c *Client) Send(ctx context.Context, method, path string, request any) (*http.Response, error) {
	var body io.Reader
	if request != nil {
		var buf bytes.Buffer
		if err := Encode(&buf, request); err != nil {
			return nil, fmt.Errorf("encode request: %w", err)
		}
		body = &buf
	}
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRequest, err)
	}
	r.Header.Set("Authorization", "Bearer "+c.token)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	response, err := c.http.Do(r)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err // without the URL, which may be a placeholder
		}
		return nil, fmt.Errorf("%w: %w", c.server.Unavailable, err)
	}
	if response.StatusCode < 300 {
		return response, nil
	}
	defer response.Body.Close()
	if err := c.accept(io.LimitReader(response.Body, maxRefusal)); err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("%w: status %d without an error of ours; is this the control address of %s?", c.server.Unavailable, response.StatusCode, c.server.Name)
}

// Segment is text as one part of a path. What no path can carry, and so nothing
// can be called, is not ok.
func Segment(text string) (segment string, ok bool) {
	ok = text != "" && text != "." && text != ".." && len(text) <= maxSegment && utf8.ValidString(text)
	return url.PathEscape(text), ok
}

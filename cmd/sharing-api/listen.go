package main

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"herald.example/internal/command"
	"herald.example/internal/redirect"
)

// addresses are where a server is reached from outside.
type addresses struct {
	api    net.Listener
	secure *tls.Config // of the API; nil: plain HTTP

	visitors       net.Listener // nil when the shortener is apart
	visitorsSecure *tls.Config
}

// listen takes the addresses for clients and visitors, and makes the base of short
// URLs from the latter when none is given.
func (c *serveCommand) listen(log *slog.Logger) (_ *addresses, err error) {
	at := new(addresses)
	defer func() {
		if err != nil {
			at.close()
		}
	}()
	if at.secure, err = c.OpenTLS(log); err != nil {
		return nil, err
	}
	if at.api, err = command.Listen(c.Listen, "API", "--listen"); err != nil {
		return nil, err
	}
	if c.apart() {
		return at, nil
	}
	if at.visitorsSecure, err = c.redirectTLS().OpenTLS(log); err != nil {
		return nil, err
	}
	if at.visitors, err = command.Listen(c.RedirectListen, "redirect", "--redirect-listen"); err != nil {
		return nil, err
	}
	if len(c.ShortBase) == 0 {
		c.ShortBase = []string{command.BaseURL(at.visitorsSecure, at.visitors.Addr().String())}
	}
	return at, nil
}

// close closes the listeners. Whoever serves on one has closed it before.
func (at *addresses) close() {
	if at.api != nil {
		_ = at.api.Close()
	}
	if at.visitors != nil {
		_ = at.visitors.Close()
	}
}

// url is where clients reach the API.
func (at *addresses) url() string { return command.BaseURL(at.secure, at.api.Addr().String()) }

// logReady says where everything is.
func (at *addresses) logReady(log *slog.Logger, control net.Listener) {
	attrs := []any{"api", at.api.Addr().String()}
	if at.visitors != nil {
		attrs = append(attrs, "redirect", at.visitors.Addr().String())
	}
	log.Info("ready", append(attrs, "control", command.ControlName(control))...)
}

// neighbour sends requests for short URLs to the redirect of this process, whatever
// their host is called and whoever stands in front of it: so the simulated network's
// preview fetchers come also before a domain is set up. It is nil when the shortener
// is apart.
func (at *addresses) neighbour() http.RoundTripper {
	if at.visitors == nil {
		return nil
	}
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		conn, err := dialer.DialContext(ctx, network, at.visitors.Addr().String())
		if err != nil || at.visitorsSecure == nil {
			return conn, err
		}
		secure := tls.Client(conn, &tls.Config{InsecureSkipVerify: true}) // this process is at the other end
		if err := secure.HandshakeContext(ctx); err != nil {
			_ = conn.Close() // the handshake's error says more
			return nil, err
		}
		return secure, nil
	}
	return &http.Transport{
		DialContext:           dial,
		DialTLSContext:        dial,
		ResponseHeaderTimeout: 10 * time.Second,
		IdleConnTimeout:       30 * time.Second,
		MaxConnsPerHost:       8,
	}
}

// clientIP is the address that a request of the API came from, through the proxies
// that are trusted.
func (c *serveCommand) clientIP(r *http.Request) netip.Addr {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	var lines []byte
	for _, name := range []string{"X-Forwarded-For", "Forwarded"} {
		for _, value := range r.Header.Values(name) {
			lines = append(append(append(append(lines, name...), ": "...), value...), "\r\n"...)
		}
	}
	return redirect.Visitor(lines, at.Addr().Unmap(), c.TrustedProxies)
}

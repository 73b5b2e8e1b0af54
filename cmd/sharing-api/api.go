package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Limits of the API's server that are no settings.
const (
	headerTimeout  = 10 * time.Second // for a handshake, and for headers
	bodyTimeout    = time.Minute      // for headers and body
	answerTimeout  = 30 * time.Second // for what an answer takes beside the wait for networks
	idleTimeout    = 2 * time.Minute
	maxHeaderBytes = 32 << 10
	maxStreams     = 100 // requests at a time on a connection of HTTP/2
)

// protocols are what clients with TLS may choose from.
var protocols = []string{"h2", "http/1.1"}

// apiServer answers the API's clients over HTTP/1.1 and, with TLS, HTTP/2. One that has
// TLS answers Gigya's clients also without.
type apiServer struct {
	handler  http.Handler
	secure   *tls.Config   // nil: plain HTTP
	wait     time.Duration // that an answer may wait for networks
	drain    time.Duration
	maxConns int
	log      *slog.Logger

	requests requests
	handling sync.RWMutex  // read-locked by handlers
	conns    atomic.Int64  // open now
	over     atomic.Uint64 // connections that were closed because of maxConns
}

// serve answers on ln until ctx is done, then lets the requests under way finish
// within drain. When it has returned, no handler runs any more, unless one did not
// notice within drain that its request was cut off. It closes ln.
func (a *apiServer) serve(ctx context.Context, ln net.Listener) error {
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			a.handling.RLock()
			defer a.handling.RUnlock()
			a.handler.ServeHTTP(w, r)
		}),
		// Otherwise "OPTIONS *" is answered before our handler sees it, without the envelope.
		DisableGeneralOptionsHandler: true,
		ReadHeaderTimeout:            headerTimeout,
		ReadTimeout:                  bodyTimeout,
		WriteTimeout:                 bodyTimeout + a.wait + answerTimeout, // it runs from the end of the headers
		IdleTimeout:                  idleTimeout,
		MaxHeaderBytes:               maxHeaderBytes,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: maxStreams,
			SendPingTimeout:      idleTimeout,
			WriteByteTimeout:     answerTimeout,
		},
		ErrorLog: slog.NewLogLogger(serverLog{a.log.Handler()}, slog.LevelWarn),
	}
	ln = &boundedListener{Listener: ln, api: a}
	var accepting sync.WaitGroup
	if a.secure != nil {
		server.Handler = besideTLS(server.Handler)
		server.TLSConfig = &tls.Config{NextProtos: protocols} // it makes the server speak HTTP/2
		secure := a.secure.Clone()
		secure.NextProtos = protocols
		either := newEitherListener(ln, secure, headerTimeout)
		accepting.Go(either.run)
		ln = either
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(ln) }()
	var failed error
	select {
	case failed = <-served:
	case <-ctx.Done():
	}
	deadline, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.drain)
	defer cancel()
	err := server.Shutdown(deadline)
	if errors.Is(err, context.DeadlineExceeded) {
		a.log.Warn("requests were cut off", "after", a.drain)
		err = server.Close()
	}
	if failed == nil {
		failed = <-served
	}
	accepting.Wait() // the server has closed the listener
	a.await()
	if errors.Is(failed, http.ErrServerClosed) {
		failed = nil
	}
	if err := errors.Join(failed, err); err != nil {
		return fmt.Errorf("serve the API: %w", err)
	}
	return nil
}

// await waits for handlers whose connections are gone.
func (a *apiServer) await() {
	ended := make(chan struct{})
	go func() {
		a.handling.Lock() // and no handler begins any more
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(a.drain):
		a.log.Error("requests that were cut off do not end")
	}
}

// boundedListener closes connections above the bound at once: a client sees that
// and comes back, while one that is left waiting sees nothing.
type boundedListener struct {
	net.Listener
	api *apiServer
}

// Accept waits for a connection within the bound.
func (l *boundedListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if l.api.conns.Add(1) <= int64(l.api.maxConns) {
			return &boundedConn{Conn: c, api: l.api}, nil
		}
		l.api.conns.Add(-1)
		l.api.over.Add(1)
		_ = c.Close() // nobody waits for it
	}
}

// boundedConn is a connection that counts.
type boundedConn struct {
	net.Conn
	api    *apiServer
	closed atomic.Bool
}

// Close ends the connection. It may be called more than once.
func (c *boundedConn) Close() error {
	if !c.closed.Swap(true) {
		c.api.conns.Add(-1)
	}
	return c.Conn.Close()
}

// serverLog puts what net/http has to say where it belongs: what any client can
// cause is for those who look closely, a panic is for somebody to act.
type serverLog struct{ slog.Handler }

// clientsDoing are beginnings of lines that say nothing of this server.
var clientsDoing = []string{"http: TLS handshake error", "http2: server", "http2: received", "http: URL query contains"}

// Handle gives the record the level that it should have.
func (l serverLog) Handle(ctx context.Context, r slog.Record) error {
	for _, start := range clientsDoing {
		if strings.HasPrefix(r.Message, start) {
			r.Level = slog.LevelDebug
		}
	}
	if strings.HasPrefix(r.Message, "http: panic") {
		r.Level = slog.LevelError
	}
	if !l.Enabled(ctx, r.Level) {
		return nil
	}
	record := slog.NewRecord(r.Time, r.Level, "the API's server complains", r.PC)
	record.AddAttrs(slog.String("cause", r.Message))
	return l.Handler.Handle(ctx, record)
}

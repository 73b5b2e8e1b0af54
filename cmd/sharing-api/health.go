package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"herald.example/internal/publish"
)

// Bounds of the look at one's health.
const (
	healthTimeout = 2 * time.Second
	healthFresh   = time.Second      // how long an answer is good for
	outboxLag     = 10 * time.Minute // longer than a call of a network can take
)

// Reasons why clients should be sent elsewhere, as they are told. The log has the
// causes.
var (
	errShortener = errors.New("the shortener is not ready")
	errStore     = errors.New("the store cannot be read")
	errWrite     = errors.New("the store cannot be written")
	errOutbox    = errors.New("publications wait for more than 10 minutes")
)

// health says whether a server can do its work.
type health struct {
	// shortener says why links cannot be made or counted.
	shortener func(context.Context) error
	// store says why nothing can be written, such as a full disk.
	store  interface{ Ready(context.Context) error }
	outbox publish.Outbox
	log    *slog.Logger

	mu     sync.Mutex // protects what follows; held while looking: others wait for the answer
	looked time.Time
	reason error
}

// ready is nil, or the reason why clients should be sent elsewhere. Many callers
// cause one look a second.
func (h *health) ready(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if now := time.Now(); now.Sub(h.looked) >= healthFresh {
		before := h.reason
		var cause error
		h.reason, cause = h.look(ctx)
		h.looked = now
		if h.reason != nil && !errors.Is(h.reason, before) {
			h.log.Warn("not ready", "reason", h.reason, "error", cause)
		}
	}
	return h.reason
}

// look looks at everything that a request needs.
func (h *health) look(ctx context.Context) (reason, cause error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), healthTimeout)
	defer cancel()
	late, _, err := h.outbox.Due(ctx, time.Now().Add(-outboxLag), 1, func(publish.Ref) bool { return false })
	if err != nil {
		return errStore, err
	}
	if err := h.store.Ready(ctx); err != nil {
		return errWrite, err
	}
	if err := h.shortener(ctx); err != nil {
		return errShortener, err
	}
	if len(late) > 0 {
		return errOutbox, nil
	}
	return nil, nil
}

// ServeHTTP answers 200 when everything is there, else 503 with the reason.
func (h *health) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := h.ready(r.Context()); err != nil {
		text(w, r, http.StatusServiceUnavailable, err.Error())
		return
	}
	text(w, r, http.StatusOK, "ok")
}

// alive answers that the process is alive.
func alive(w http.ResponseWriter, r *http.Request) { text(w, r, http.StatusOK, "ok") }

// text answers a probe in plain text.
func text(w http.ResponseWriter, r *http.Request, status int, line string) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		status, line = http.StatusMethodNotAllowed, "use GET"
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, line+"\n") // fails only when the caller has gone
}

// shortenerHealth is how a house finds out about its shortener.
func (h *house) shortenerHealth() func(context.Context) error {
	if h.service != nil {
		return func(context.Context) error { return h.service.Ready() }
	}
	return func(ctx context.Context) error {
		_, err := h.links.Bases(ctx)
		return err
	}
}

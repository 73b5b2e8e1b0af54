package main

import (
	"io"
	"log/slog"
	"net/http"
	"strings"

	"github.com/VictoriaMetrics/metrics"

	"herald.example/internal/control"
	"herald.example/internal/gigya"
	"herald.example/internal/linkapi"
	"herald.example/internal/operator"
)

// simulatedPath is where the pages of the simulated network begin.
const simulatedPath = "/simulated/"

// newAPI makes the server for clients. Paths are looked at as they are: a mux would
// clean them with a redirect, which no client of the dialect follows.
func (c *serveCommand) newAPI(h *house, at *addresses, log *slog.Logger) *apiServer {
	pages := http.Handler(nil)
	if h.world != nil {
		pages = h.world.Handler()
	}
	a := &apiServer{secure: at.secure, wait: c.Wait, drain: c.DrainTimeout, maxConns: c.APIConnections, log: log}
	a.handler = a.requests.counted(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch path := r.URL.Path; {
		case path == "/healthz":
			alive(w, r)
		case path == "/readyz":
			h.health.ServeHTTP(w, r)
		case pages != nil && strings.HasPrefix(path, simulatedPath):
			pages.ServeHTTP(w, r)
		case pages != nil && path+"/" == simulatedPath:
			http.Redirect(w, r, simulatedPath, http.StatusMovedPermanently)
		case gigya.Speaks(path): // whatever the host: clients of other data centres come with theirs
			h.gigya.ServeHTTP(w, r)
		default:
			h.dialect.ServeHTTP(w, r)
		}
	}))
	return a
}

// controlHandler is the control interface: that of the shortener when it is in this
// process, the operator's part, and what all of them share.
func (h *house) controlHandler(a *apiServer, token string, log *slog.Logger) http.Handler {
	links := control.Guard(token, http.HandlerFunc(control.NoRoute))
	if h.service != nil {
		links = linkapi.NewHandler(h.service, h.service, token, log)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", alive)
	mux.Handle("/readyz", h.health)
	mux.Handle("/metrics", control.Guard(token, h.metrics(a, links, log)))
	desk := operator.NewHandler(h.directory, h.publisher, token, log)
	for _, pattern := range operator.Patterns {
		mux.Handle(pattern, desk)
	}
	mux.Handle("/", links)
	return mux
}

// metrics answers with the state of everything in this process, in Prometheus text:
// first what the shortener has to say, which knows of the process, too.
func (h *house) metrics(a *apiServer, links http.Handler, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			control.Refuse(w, control.ErrMethod)
			return
		}
		if h.service != nil {
			links.ServeHTTP(w, r)
		} else {
			w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
			metrics.WriteProcessMetrics(w)
		}
		if stats, err := h.publisher.Stats(r.Context()); err != nil {
			log.Error("the outbox cannot be counted", "error", err)
		} else {
			writePublications(w, stats)
		}
		a.writeMetrics(w)
		writeCalls(w, h.gigya.Stats())
		if h.world != nil {
			h.writeSimulated(w)
		}
	})
}

// writeMetrics writes what the server of the API has done.
func (a *apiServer) writeMetrics(w io.Writer) {
	a.requests.write(w)
	metrics.WriteGaugeUint64(w, "herald_api_connections", uint64(a.conns.Load()))
	metrics.WriteCounterUint64(w, "herald_api_connections_refused_total", a.over.Load())
}

// writeSimulated writes what happened on the simulated network.
func (h *house) writeSimulated(w io.Writer) {
	s := h.world.Stats()
	metrics.WriteCounterUint64(w, "herald_simulated_posts_total", s.Posts)
	metrics.WriteCounterUint64(w, "herald_simulated_previews_total", s.Previews)
	metrics.WriteCounterUint64(w, `herald_simulated_preview_failures_total{reason="failed"}`, s.Failed)
	metrics.WriteCounterUint64(w, `herald_simulated_preview_failures_total{reason="dropped"}`, s.Dropped)
}

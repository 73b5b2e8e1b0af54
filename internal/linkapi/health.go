package linkapi

import (
	"io"
	"net/http"
)

// healthz answers that the process is alive.
func (h *handler) healthz(w http.ResponseWriter, _ *http.Request) (any, error) {
	return h.text(w, http.StatusOK, "ok")
}

// readyz answers 200 when every hit served is kept, else 503 with the reason.
func (h *handler) readyz(w http.ResponseWriter, _ *http.Request) (any, error) {
	if reason := h.health.Ready(); reason != nil {
		return h.text(w, http.StatusServiceUnavailable, reason.Error())
	}
	return h.text(w, http.StatusOK, "ready")
}

// text answers with one line.
func (h *handler) text(w http.ResponseWriter, status int, line string) (any, error) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if _, err := io.WriteString(w, line+"\n"); err != nil {
		h.log.Debug("control answer was not taken", "error", err)
	}
	return nil, nil
}

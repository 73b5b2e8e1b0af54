package linkapi

import (
	"fmt"
	"io"
	"net/http"
)

// errUnauthorized says where the token is, without naming a path to somebody
// who has not shown that they may know it.
var errUnauthorized = fmt.Errorf("%w: send the header 'Authorization: Bearer TOKEN'; TOKEN stands in the file %s in the shortener's data folder", ErrUnauthorized, TokenFile)

// healthz answers that the process is alive.
func (h *handler) healthz(w http.ResponseWriter, _ *http.Request) error {
	return h.text(w, http.StatusOK, "ok")
}

// readyz answers 200 when every hit served is kept, else 503 with the reason.
func (h *handler) readyz(w http.ResponseWriter, _ *http.Request) error {
	if reason := h.health.Ready(); reason != nil {
		return h.text(w, http.StatusServiceUnavailable, reason.Error())
	}
	return h.text(w, http.StatusOK, "ready")
}

// text answers with one line.
func (h *handler) text(w http.ResponseWriter, status int, line string) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if _, err := io.WriteString(w, line+"\n"); err != nil {
		h.log.Debug("control answer was not taken", "error", err)
	}
	return nil
}

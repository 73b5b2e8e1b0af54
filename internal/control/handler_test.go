package control_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"herald.example/internal/control"
)

// refusal is a refusal of the room, which says more.
type refusal struct {
	control.Refusal
	Hint string `json:"hint,omitempty"`
}

func refuse(err error) (status int, r refusal, internal bool) {
	status, r.Refusal, internal = statuses.Refuse(err)
	if errors.Is(err, errTaken) {
		r.Hint = "choose another"
	}
	return status, r, internal
}

// hinted is an error with the room's hint.
type hinted struct {
	error
	hint string
}

func (h hinted) Unwrap() error { return h.error }

func (r refusal) Accept() error { return hinted{statuses.Accept(r.Refusal), r.Hint} }

// newHandler is the interface of the room. A thing is what its name says.
func newHandler(log *slog.Logger) http.Handler {
	return control.NewHandler(control.Routes{
		"/alive": {"GET": func(w http.ResponseWriter, _ *http.Request) (any, error) {
			_, err := fmt.Fprintln(w, "ok")
			return nil, err
		}},
		"/things/{name}": {
			"GET": func(_ http.ResponseWriter, r *http.Request) (any, error) {
				switch name := r.PathValue("name"); name {
				case "taken":
					return name, fmt.Errorf("get %s: %w", name, errTaken)
				case "broken":
					return nil, errors.New("disk is on fire")
				default:
					return map[string]string{"url": "https://example.com/?a=b&c=" + name}, r.Context().Err()
				}
			},
			"DELETE": func(w http.ResponseWriter, _ *http.Request) (any, error) {
				w.WriteHeader(http.StatusNoContent)
				return nil, nil
			},
		},
	}, refuse, token, log, "/alive")
}

func TestHandler(t *testing.T) {
	const unauthorized = `{"error":{"code":"unauthorized","message":`
	var log bytes.Buffer
	handler := newHandler(slog.New(slog.NewTextHandler(&log, nil)))
	for _, c := range []struct {
		name, method, path, token string
		status                    int
		body                      string // its beginning
	}{
		{"answer", "GET", "/things/a", token, 200, `{"url":"https://example.com/?a=b&c=a"}` + "\n"},
		{"HEAD is GET", "HEAD", "/things/a", token, 200, `{"url":`},
		{"written by itself", "DELETE", "/things/a", token, 204, ""},
		{"refusal with a hint", "GET", "/things/taken", token, 409, `{"error":{"code":"taken","message":"get taken: taken","hint":"choose another"}}` + "\n"},
		{"our failure", "GET", "/things/broken", token, 500, `{"error":{"code":"internal","message":"internal error; the log of the server says more"}}` + "\n"},
		{"no such method", "PUT", "/things/a", token, 405, `{"error":{"code":"bad_method","message":"method not allowed"}}` + "\n"},
		{"no such path", "GET", "/thing", token, 404, `{"error":{"code":"no_route","message":"no such path"}}` + "\n"},
		{"no token", "GET", "/things/a", "", 401, unauthorized},
		{"no token, no such path", "GET", "/thing", "", 401, unauthorized},
		{"no token, no such method", "PUT", "/things/a", "", 401, unauthorized},
		{"open", "GET", "/alive", "", 200, "ok\n"},
		{"open, no such method", "PUT", "/alive", "", 405, `{"error":{"code":"bad_method"`},
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(c.method, c.path, nil)
		r.Header.Set("Authorization", "Bearer "+c.token)
		handler.ServeHTTP(w, r)
		if w.Code != c.status || !strings.HasPrefix(w.Body.String(), c.body) {
			t.Errorf("%s: got %d %s; want %d %s", c.name, w.Code, w.Body, c.status, c.body)
		}
		if strings.HasPrefix(c.body, "{") && (w.Header().Get("Content-Type") != "application/json" || w.Header().Get("Cache-Control") != "no-store") {
			t.Errorf("%s: got headers %v; want JSON that is not stored", c.name, w.Header())
		}
		if allow := w.Header().Get("Allow"); (allow != "") != (c.status == 405) || strings.Contains(c.path, "things") && allow != "" && allow != "DELETE, GET" {
			t.Errorf("%s: got Allow %q", c.name, allow)
		}
	}
	if got := log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, `path=/things/{name} error="disk is on fire"`) {
		t.Errorf("got log %q; want the one failure that is ours, by its pattern", got)
	}
}

func TestHandlerOfACallerWhoHasGone(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var log bytes.Buffer
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/things/a", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	newHandler(slog.New(slog.NewTextHandler(&log, nil))).ServeHTTP(w, r)
	if w.Body.Len() > 0 || log.Len() > 0 {
		t.Errorf("got %q, log %q; want nothing", w.Body, &log)
	}
}

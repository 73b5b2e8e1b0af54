package control

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// Method answers a request, or says why not. The answer is written as JSON; it is
// nil when the method has written one itself.
type Method func(w http.ResponseWriter, r *http.Request) (answer any, err error)

// Routes are the methods of paths, by pattern of http.ServeMux and method of HTTP.
// GET is HEAD, too.
type Routes map[string]map[string]Method

// NewHandler returns a handler of routes that answers errors with what refuse makes
// of them, as Table.Refuse does. Requests must carry token, except for the open
// paths. The handler is safe for concurrent use.
func NewHandler[R Refused](routes Routes, refuse func(error) (status int, r R, internal bool), token string, log *slog.Logger, open ...string) http.Handler {
	h := &handler[R]{refuse, log}
	mux := http.NewServeMux()
	mux.Handle("/", Guard(token, http.HandlerFunc(NoRoute)))
	for path, methods := range routes {
		var route http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.serve(w, r, methods) })
		if !slices.Contains(open, path) {
			route = Guard(token, route)
		}
		mux.Handle(path, route)
	}
	return mux
}

// handler is what all paths share.
type handler[R Refused] struct {
	refusal func(error) (int, R, bool)
	log     *slog.Logger
}

// serve hands a request to its method.
func (h *handler[R]) serve(w http.ResponseWriter, r *http.Request, methods map[string]Method) {
	name := r.Method
	if name == http.MethodHead {
		name = http.MethodGet
	}
	method := methods[name]
	if method == nil {
		w.Header().Set("Allow", strings.Join(slices.Sorted(maps.Keys(methods)), ", "))
		h.refuse(w, r, ErrMethod)
		return
	}
	answer, err := method(w, r)
	switch {
	case err != nil:
		h.refuse(w, r, err)
	case answer != nil:
		h.answer(w, http.StatusOK, answer)
	}
}

// refuse answers with an error. The log gets the cause of the ones that are ours,
// under the path's pattern: paths hold tokens.
func (h *handler[R]) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil && errors.Is(err, context.Canceled) {
		return // the caller has gone
	}
	status, refusal, internal := h.refusal(err)
	if internal {
		h.log.Error("control request failed", "method", r.Method, "path", r.Pattern, "error", err)
	}
	h.answer(w, status, refusalBody[R]{refusal})
}

func (h *handler[R]) answer(w http.ResponseWriter, status int, body any) {
	if err := write(w, status, body); err != nil {
		h.log.Debug("control answer was not taken", "error", err)
	}
}

// refusalBody is the body of every answer that is an error.
type refusalBody[R any] struct {
	Error R `json:"error"`
}

// Refuse answers with an error of the wire itself: for what else is served beside a
// handler.
func Refuse(w http.ResponseWriter, err error) {
	status, r, _ := Statuses.Refuse(err)
	_ = write(w, status, refusalBody[Refusal]{r}) // fails only when the caller has gone
}

// NoRoute answers that there is no such path.
func NoRoute(w http.ResponseWriter, _ *http.Request) { Refuse(w, ErrNoRoute) }

// write writes body as JSON.
func write(w http.ResponseWriter, status int, body any) error {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	return Encode(w, body)
}

// Encode writes v as one line of JSON. URLs keep their ampersands.
func Encode(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

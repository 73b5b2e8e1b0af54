package operator

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"herald.example/internal/linkapi"
	"herald.example/internal/site"
)

// Patterns are the patterns of http.ServeMux for the paths that the handler
// answers, so that it can stand beside another one on the control listener.
var Patterns = []string{"/v1/sites", "/v1/sites/", "/v1/seal/"}

// networkTimeout is how long the network of an account that arrives may take. The
// control server closes a connection after 60 seconds without an answer.
const networkTimeout = 50 * time.Second

// handler answers the operator's part of the control interface.
type handler struct {
	ops Operations
	log *slog.Logger
}

// NewHandler returns the operator's part of the control interface, for the paths
// of Patterns. Requests must carry token. The handler is safe for concurrent use.
func NewHandler(dir *site.Directory, pub Publisher, token string, log *slog.Logger) http.Handler {
	h := &handler{ops: NewDesk(dir, pub), log: log}
	routes := http.NewServeMux()
	for path, methods := range map[string]methods{
		"/v1/sites":                           {"GET": h.sites, "POST": h.addSite},
		"/v1/sites/{site}":                    {"GET": h.site, "PATCH": h.editSite},
		"/v1/sites/{site}/keys":               {"POST": h.rotateKeys},
		"/v1/sites/{site}/providers":          {"GET": h.providers},
		"/v1/sites/{site}/users":              {"GET": h.users, "POST": h.addUser},
		"/v1/sites/{site}/users/{token}":      {"GET": h.user, "DELETE": h.deleteUser},
		"/v1/sites/{site}/identities":         {"GET": h.identities, "POST": h.addIdentity},
		"/v1/sites/{site}/identities/{token}": {"DELETE": h.deleteIdentity},
		"/v1/sites/{site}/messages":           {"GET": h.messages},
		"/v1/sites/{site}/messages/{token}":   {"GET": h.message},
		"/v1/seal/rotate":                     {"POST": h.rotateSeal},
		"/":                                   {},
	} {
		routes.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { h.serve(w, r, methods) })
	}
	return linkapi.Guard(token, routes)
}

// methods are the functions of a path, by method. They return what is answered.
type methods map[string]func(http.ResponseWriter, *http.Request) (any, error)

// serve holds a request against the rules that all paths share and hands it to
// its function.
func (h *handler) serve(w http.ResponseWriter, r *http.Request, methods methods) {
	if len(methods) == 0 {
		h.refuse(w, r, linkapi.ErrNoRoute)
		return
	}
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	serve := methods[method]
	if serve == nil {
		var allowed []string
		for m := range methods {
			allowed = append(allowed, m)
		}
		slices.Sort(allowed)
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		h.refuse(w, r, linkapi.ErrMethod)
		return
	}
	answer, err := serve(w, r)
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	h.answer(w, http.StatusOK, answer)
}

// refuse answers with an error. The log gets the cause of the ones that are ours,
// under the path's pattern: paths hold tokens.
func (h *handler) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil && errors.Is(err, context.Canceled) {
		return // the caller has gone
	}
	status, body, internal := refuse(err)
	if internal {
		h.log.Error("operator's request failed", "method", r.Method, "path", r.Pattern, "error", err)
	}
	h.answer(w, status, body)
}

// answer writes body as JSON.
func (h *handler) answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if err := encode(w, body); err != nil {
		h.log.Debug("operator's answer was not taken", "error", err)
	}
}

func (h *handler) sites(_ http.ResponseWriter, r *http.Request) (any, error) {
	if _, err := readParams(r); err != nil {
		return nil, err
	}
	sites, err := h.ops.Sites(r.Context())
	return sitesAnswer{sites}, err
}

func (h *handler) site(_ http.ResponseWriter, r *http.Request) (any, error) {
	if _, err := readParams(r); err != nil {
		return nil, err
	}
	s, err := h.ops.Site(r.Context(), r.PathValue("site"))
	return siteAnswer{Site: s}, err
}

func (h *handler) addSite(w http.ResponseWriter, r *http.Request) (any, error) {
	var request siteRequest
	if err := readBody(w, r, &request); err != nil {
		return nil, err
	}
	s, keys, err := h.ops.AddSite(r.Context(), site.SiteDraft(request))
	return newSiteAnswer(s, keys), err
}

func (h *handler) editSite(w http.ResponseWriter, r *http.Request) (any, error) {
	var edit SiteEdit
	if err := readBody(w, r, &edit); err != nil {
		return nil, err
	}
	s, err := h.ops.EditSite(r.Context(), r.PathValue("site"), edit)
	return siteAnswer{Site: s}, err
}

func (h *handler) rotateKeys(w http.ResponseWriter, r *http.Request) (any, error) {
	var request keysRequest
	if err := readBody(w, r, &request); err != nil {
		return nil, err
	}
	grace, err := request.duration()
	if err != nil {
		return nil, err
	}
	s, keys, err := h.ops.RotateKeys(r.Context(), r.PathValue("site"), grace)
	return newSiteAnswer(s, keys), err
}

func (h *handler) rotateSeal(w http.ResponseWriter, r *http.Request) (any, error) {
	// It takes as long as there are records. Where deadlines are not to be had, the
	// server has set none.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
	n, err := h.ops.RotateSeal(r.Context())
	return sealAnswer{n}, err
}

func (h *handler) providers(_ http.ResponseWriter, r *http.Request) (any, error) {
	if _, err := readParams(r); err != nil {
		return nil, err
	}
	providers, err := h.ops.Providers(r.Context(), r.PathValue("site"))
	return providersAnswer{providers}, err
}

func (h *handler) users(_ http.ResponseWriter, r *http.Request) (any, error) {
	q, err := listQuery(r, false)
	if err != nil {
		return nil, err
	}
	return h.ops.Users(r.Context(), r.PathValue("site"), q)
}

func (h *handler) addUser(_ http.ResponseWriter, r *http.Request) (any, error) {
	u, err := h.ops.AddUser(r.Context(), r.PathValue("site"))
	return userAnswer{u}, err
}

func (h *handler) user(_ http.ResponseWriter, r *http.Request) (any, error) {
	if _, err := readParams(r); err != nil {
		return nil, err
	}
	u, err := h.ops.User(r.Context(), r.PathValue("site"), r.PathValue("token"))
	return userAnswer{u}, err
}

func (h *handler) deleteUser(_ http.ResponseWriter, r *http.Request) (any, error) {
	u, err := h.ops.DeleteUser(r.Context(), r.PathValue("site"), r.PathValue("token"))
	return userAnswer{u}, err
}

func (h *handler) identities(_ http.ResponseWriter, r *http.Request) (any, error) {
	q, err := listQuery(r, false)
	if err != nil {
		return nil, err
	}
	return h.ops.Identities(r.Context(), r.PathValue("site"), q)
}

func (h *handler) addIdentity(w http.ResponseWriter, r *http.Request) (any, error) {
	var request identityRequest
	if err := readBody(w, r, &request); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), networkTimeout)
	defer cancel()
	i, err := h.ops.AddIdentity(ctx, r.PathValue("site"), request.draft())
	return identityAnswer{i}, err
}

func (h *handler) deleteIdentity(_ http.ResponseWriter, r *http.Request) (any, error) {
	i, err := h.ops.DeleteIdentity(r.Context(), r.PathValue("site"), r.PathValue("token"))
	return identityAnswer{i}, err
}

func (h *handler) messages(_ http.ResponseWriter, r *http.Request) (any, error) {
	q, err := listQuery(r, true)
	if err != nil {
		return nil, err
	}
	return h.ops.Messages(r.Context(), r.PathValue("site"), q)
}

func (h *handler) message(_ http.ResponseWriter, r *http.Request) (any, error) {
	if _, err := readParams(r); err != nil {
		return nil, err
	}
	m, err := h.ops.Message(r.Context(), r.PathValue("site"), r.PathValue("token"))
	return messageAnswer{m}, err
}

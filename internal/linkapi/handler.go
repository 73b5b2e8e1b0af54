package linkapi

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"herald.example/internal/counter"
	"herald.example/internal/link"
	"herald.example/internal/shortener"
)

// Registry makes and changes links. A Put is one transaction: all drafts or
// none, and links with a slug may be put again. Errors are those of link; a
// draft at fault is named by a *link.DraftError. A Ref without domain means
// the default domain.
type Registry interface {
	Put(ctx context.Context, drafts []link.Draft) ([]link.Link, error)
	Get(ctx context.Context, ref link.Ref) (link.Link, error)
	Edit(ctx context.Context, ref link.Ref, change link.Change) (link.Link, error)
	Delete(ctx context.Context, ref link.Ref) error
}

// Index reads links in order: of creation, and of change.
type Index interface {
	List(ctx context.Context, query link.ListQuery) (link.Page, error)
	Changes(ctx context.Context, after uint64, limit int) ([]link.ChangeEvent, error)
	Bases(ctx context.Context) (link.Bases, error)
}

// Readings reads what was counted, also of links that are deleted.
type Readings interface {
	Totals(ctx context.Context, refs []link.Ref) (link.TotalsAnswer, error)
	Counts(ctx context.Context, query link.CountQuery) (link.CountAnswer, error)
	Referrals(ctx context.Context, query link.ReferralQuery) (link.ReferralAnswer, error)
}

// Auditor recounts the ledger. It calls progress from one goroutine at a time
// and not after it has returned.
type Auditor interface {
	Verify(ctx context.Context, progress func(done, total uint64)) (counter.Report, error)
}

// Service is what the control interface serves, and what Client is.
type Service interface {
	Registry
	Index
	Readings
	Auditor
}

// Health is what the probes and the metrics ask.
type Health interface {
	Status() shortener.Status
	// Ready is nil when every hit served now is kept for good.
	Ready() error
}

// handler answers the control interface.
type handler struct {
	svc    Service
	health Health
	secret secret
	log    *slog.Logger
	routes *http.ServeMux
}

// NewHandler returns the control interface of svc. Requests must carry token,
// except the probes. The handler is safe for concurrent use.
func NewHandler(svc Service, health Health, token string, log *slog.Logger) http.Handler {
	h := &handler{svc: svc, health: health, secret: newSecret(token), log: log, routes: http.NewServeMux()}
	for path, methods := range map[string]methods{
		"/healthz":                            {"GET": h.healthz},
		"/readyz":                             {"GET": h.readyz},
		"/metrics":                            {"GET": h.metrics},
		"/v1/links":                           {"GET": h.list, "POST": h.put},
		"/v1/links/{domain}/{slug}":           {"GET": h.get, "PATCH": h.edit, "DELETE": h.delete},
		"/v1/links/{domain}/{slug}/referrals": {"GET": h.referrals},
		"/v1/totals":                          {"POST": h.totals},
		"/v1/counts":                          {"POST": h.counts},
		"/v1/changes":                         {"GET": h.changes},
		"/v1/domains":                         {"GET": h.domains},
		"/v1/verify":                          {"POST": h.verify},
		"/":                                   {},
	} {
		h.routes.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { h.serve(w, r, path, methods) })
	}
	return h.routes
}

// methods are the functions of a path, by method. They write the answer or
// return why there is none.
type methods map[string]func(http.ResponseWriter, *http.Request) error

// serve holds a request against the rules that all paths share and hands it to
// its function.
func (h *handler) serve(w http.ResponseWriter, r *http.Request, path string, methods methods) {
	open := path == "/healthz" || path == "/readyz"
	if !open && !h.secret.opens(r) {
		challenge(w)
		h.refuse(w, r, errUnauthorized)
		return
	}
	if len(methods) == 0 {
		h.refuse(w, r, ErrNoRoute)
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
		h.refuse(w, r, ErrMethod)
		return
	}
	if err := serve(w, r); err != nil {
		h.refuse(w, r, err)
	}
}

// refuse answers with an error. The log gets the cause of the ones that are
// ours.
func (h *handler) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil && errors.Is(err, context.Canceled) {
		return // the caller has gone
	}
	status, body, internal := refuse(err)
	if internal {
		h.log.Error("control request failed", "method", r.Method, "path", r.URL.Path, "error", err)
	}
	_ = h.answer(w, status, body)
}

// answer writes body as JSON. It returns nil, so that a function of a path can
// end with it.
func (h *handler) answer(w http.ResponseWriter, status int, body any) error {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if err := encode(w, body); err != nil {
		h.log.Debug("control answer was not taken", "error", err)
	}
	return nil
}

// encode writes v as one line of JSON. Targets keep their ampersands.
func encode(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// pathRef is the link that a path names.
func pathRef(r *http.Request) link.Ref {
	ref := link.Ref{Domain: r.PathValue("domain"), Slug: r.PathValue("slug")}
	if ref.Domain == defaultDomain {
		ref.Domain = ""
	}
	return ref
}

// defaultDomain stands in a path for the default domain.
const defaultDomain = "-"

func (h *handler) put(w http.ResponseWriter, r *http.Request) error {
	var request putRequest
	if err := readBody(w, r, &request); err != nil {
		return err
	}
	drafts := make([]link.Draft, len(request.Links))
	for i, d := range request.Links {
		drafts[i] = d.draft()
	}
	links, err := h.svc.Put(r.Context(), drafts)
	if err != nil {
		return err
	}
	bases, err := h.svc.Bases(r.Context())
	if err != nil {
		return err
	}
	answer := putAnswer{Links: make([]Link, len(links))}
	for i, l := range links {
		answer.Links[i] = NewLink(l, bases.ShortURL(l.Ref))
	}
	return h.answer(w, http.StatusOK, answer)
}

func (h *handler) get(w http.ResponseWriter, r *http.Request) error {
	if p := readParams(r); p.err != nil {
		return p.err
	}
	l, err := h.svc.Get(r.Context(), pathRef(r))
	if err != nil {
		return err
	}
	links, position, err := h.withCounts(r.Context(), []link.Link{l})
	if err != nil {
		return err
	}
	return h.answer(w, http.StatusOK, linkAnswer{Position: &position, Link: links[0]})
}

// withCounts gives links their short URLs and totals.
func (h *handler) withCounts(ctx context.Context, links []link.Link) ([]Link, uint64, error) {
	bases, err := h.svc.Bases(ctx)
	if err != nil {
		return nil, 0, err
	}
	refs := make([]link.Ref, len(links))
	for i, l := range links {
		refs[i] = l.Ref
	}
	totals, err := h.svc.Totals(ctx, refs)
	if err != nil {
		return nil, 0, err
	}
	out := make([]Link, len(links))
	for i, l := range links {
		out[i] = NewLink(l, bases.ShortURL(l.Ref))
		out[i].Counts = NewCounts(totals.Totals[i])
	}
	return out, totals.Position, nil
}

func (h *handler) edit(w http.ResponseWriter, r *http.Request) error {
	var request editRequest
	if err := readBody(w, r, &request); err != nil {
		return err
	}
	edit := link.Change{Target: request.Target}
	if request.State != "" {
		state, err := link.ParseState(request.State)
		if err != nil {
			return err
		}
		edit.State = state
	}
	l, err := h.svc.Edit(r.Context(), pathRef(r), edit)
	if err != nil {
		return err
	}
	bases, err := h.svc.Bases(r.Context())
	if err != nil {
		return err
	}
	return h.answer(w, http.StatusOK, linkAnswer{Link: NewLink(l, bases.ShortURL(l.Ref))})
}

func (h *handler) delete(w http.ResponseWriter, r *http.Request) error {
	if err := h.svc.Delete(r.Context(), pathRef(r)); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (h *handler) list(w http.ResponseWriter, r *http.Request) error {
	p := readParams(r, "after", "skip", "limit", "site", "order")
	query := link.ListQuery{
		Site: p.values.Get("site"), After: p.number("after"), Skip: p.size("skip"), Limit: p.size("limit"), Descending: p.descending(),
	}
	if p.err != nil {
		return p.err
	}
	page, err := h.svc.List(r.Context(), query)
	if err != nil {
		return err
	}
	links, position, err := h.withCounts(r.Context(), page.Links)
	if err != nil {
		return err
	}
	return h.answer(w, http.StatusOK, listAnswer{Position: position, Links: links, Next: page.Next, Total: page.Total})
}

func (h *handler) changes(w http.ResponseWriter, r *http.Request) error {
	p := readParams(r, "after", "limit")
	after, limit := p.number("after"), p.size("limit")
	if p.err != nil {
		return p.err
	}
	events, err := h.svc.Changes(r.Context(), after, limit)
	if err != nil {
		return err
	}
	bases, err := h.svc.Bases(r.Context())
	if err != nil {
		return err
	}
	answer := changesAnswer{Changes: make([]change, len(events))}
	for i, e := range events {
		answer.Changes[i] = change{e.Sequence, NewLink(e.Link, bases.ShortURL(e.Link.Ref))}
	}
	return h.answer(w, http.StatusOK, answer)
}

func (h *handler) domains(w http.ResponseWriter, r *http.Request) error {
	bases, err := h.svc.Bases(r.Context())
	if err != nil {
		return err
	}
	answer := domainsAnswer{Domains: make([]domain, len(bases))}
	for i, b := range bases {
		answer.Domains[i] = domain(b)
	}
	return h.answer(w, http.StatusOK, answer)
}

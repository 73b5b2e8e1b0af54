package linkapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"herald.example/internal/control"
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

// MaxBody is the longest body of a request, in bytes. A batch of
// link.MaxBatch links with ordinary targets is a tenth of it.
const MaxBody = 16 << 20

// handler answers the control interface.
type handler struct {
	svc    Service
	health Health
	log    *slog.Logger
}

// NewHandler returns the control interface of svc. Requests must carry token,
// except the probes. The handler is safe for concurrent use.
func NewHandler(svc Service, health Health, token string, log *slog.Logger) http.Handler {
	h := &handler{svc, health, log}
	return control.NewHandler(control.Routes{
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
	}, refuse, token, log, "/healthz", "/readyz")
}

// readBody decodes the body of a request into v.
func readBody(w http.ResponseWriter, r *http.Request, v any) error {
	err := control.ReadBody(w, r, MaxBody, v)
	if errors.Is(err, control.ErrTooLarge) {
		err = fmt.Errorf("%w; put the links in several batches", err)
	}
	return err
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

func (h *handler) put(w http.ResponseWriter, r *http.Request) (any, error) {
	var request putRequest
	if err := readBody(w, r, &request); err != nil {
		return nil, err
	}
	drafts := make([]link.Draft, len(request.Links))
	for i, d := range request.Links {
		var err error
		if drafts[i], err = d.draft(); err != nil {
			return nil, fmt.Errorf("put links: %w", &link.DraftError{Index: i, Field: "redirect", Err: err})
		}
	}
	links, err := h.svc.Put(r.Context(), drafts)
	if err != nil {
		return nil, err
	}
	bases, err := h.svc.Bases(r.Context())
	if err != nil {
		return nil, err
	}
	answer := putAnswer{Links: make([]Link, len(links))}
	for i, l := range links {
		answer.Links[i] = NewLink(l, bases.ShortURL(l.Ref))
	}
	return answer, nil
}

func (h *handler) get(_ http.ResponseWriter, r *http.Request) (any, error) {
	if err := control.NoParams(r); err != nil {
		return nil, err
	}
	l, err := h.svc.Get(r.Context(), pathRef(r))
	if err != nil {
		return nil, err
	}
	links, position, err := h.withCounts(r.Context(), []link.Link{l})
	if err != nil {
		return nil, err
	}
	return linkAnswer{Position: &position, Link: links[0]}, nil
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

func (h *handler) edit(w http.ResponseWriter, r *http.Request) (any, error) {
	var request editRequest
	if err := readBody(w, r, &request); err != nil {
		return nil, err
	}
	edit := link.Change{Target: request.Target}
	if request.State != "" {
		state, err := link.ParseState(request.State)
		if err != nil {
			return nil, err
		}
		edit.State = state
	}
	l, err := h.svc.Edit(r.Context(), pathRef(r), edit)
	if err != nil {
		return nil, err
	}
	bases, err := h.svc.Bases(r.Context())
	if err != nil {
		return nil, err
	}
	return linkAnswer{Link: NewLink(l, bases.ShortURL(l.Ref))}, nil
}

func (h *handler) delete(w http.ResponseWriter, r *http.Request) (any, error) {
	if err := h.svc.Delete(r.Context(), pathRef(r)); err != nil {
		return nil, err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil, nil
}

func (h *handler) list(_ http.ResponseWriter, r *http.Request) (any, error) {
	p := control.ReadParams(r, link.ErrQuery, "after", "skip", "limit", "site", "order")
	query := link.ListQuery{
		Site: p.Text("site"), After: p.Number("after"), Skip: p.Size("skip"), Limit: p.Size("limit"), Descending: p.Descending(false),
	}
	if p.Err != nil {
		return nil, p.Err
	}
	page, err := h.svc.List(r.Context(), query)
	if err != nil {
		return nil, err
	}
	links, position, err := h.withCounts(r.Context(), page.Links)
	if err != nil {
		return nil, err
	}
	return listAnswer{Position: position, Links: links, Next: page.Next, Total: page.Total}, nil
}

func (h *handler) changes(_ http.ResponseWriter, r *http.Request) (any, error) {
	p := control.ReadParams(r, link.ErrQuery, "after", "limit")
	after, limit := p.Number("after"), p.Size("limit")
	if p.Err != nil {
		return nil, p.Err
	}
	events, err := h.svc.Changes(r.Context(), after, limit)
	if err != nil {
		return nil, err
	}
	bases, err := h.svc.Bases(r.Context())
	if err != nil {
		return nil, err
	}
	answer := changesAnswer{Changes: make([]change, len(events))}
	for i, e := range events {
		answer.Changes[i] = change{e.Sequence, NewLink(e.Link, bases.ShortURL(e.Link.Ref))}
	}
	return answer, nil
}

func (h *handler) domains(_ http.ResponseWriter, r *http.Request) (any, error) {
	bases, err := h.svc.Bases(r.Context())
	if err != nil {
		return nil, err
	}
	answer := domainsAnswer{Domains: make([]domain, len(bases))}
	for i, b := range bases {
		answer.Domains[i] = domain(b)
	}
	return answer, nil
}

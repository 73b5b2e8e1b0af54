package linkapi

import (
	"fmt"
	"time"

	"herald.example/internal/counter"
	"herald.example/internal/link"
)

// Link is a link on the wire and in the output of commands. Counts is nil, and
// its fields are absent, where an answer speaks of links without their hits.
type Link struct {
	Domain      string    `json:"domain"`
	Slug        string    `json:"shorturl_token"`
	ShortURL    string    `json:"short_url"`
	Target      string    `json:"original_url"`
	State       string    `json:"state"`
	Site        string    `json:"site"`
	Publication string    `json:"publication"`
	Redirect    string    `json:"redirect,omitempty"` // js; absent: 302
	Number      uint64    `json:"number"`
	Created     time.Time `json:"date_creation"`
	Edited      time.Time `json:"date_edited"`
	*Counts
}

// NewLink is the wire form of l.
func NewLink(l link.Link, shortURL string) Link {
	return Link{
		Domain: l.Domain, Slug: l.Slug, ShortURL: shortURL, Target: l.Target, State: l.State.String(),
		Site: l.Site, Publication: l.Publication, Redirect: methodName(l.Method), Number: l.Number, Created: l.Created.UTC(), Edited: l.Edited.UTC(),
	}
}

// link is the inverse of NewLink.
func (w Link) link() (link.Link, error) {
	state, err := link.ParseState(w.State)
	if err != nil {
		return link.Link{}, err
	}
	method, err := parseMethod(w.Redirect)
	if err != nil {
		return link.Link{}, err
	}
	return link.Link{
		Ref: link.Ref{Domain: w.Domain, Slug: w.Slug}, Number: w.Number, Target: w.Target, State: state,
		Site: w.Site, Publication: w.Publication, Method: method, Created: w.Created, Edited: w.Edited,
	}, nil
}

// methodName is a method on the wire. The one that all links had once has no name
// there.
func methodName(m link.Method) string {
	if m == link.Found {
		return ""
	}
	return m.String()
}

// parseMethod is the inverse of methodName.
func parseMethod(name string) (link.Method, error) {
	if name == "" {
		return link.Found, nil
	}
	return link.ParseMethod(name)
}

// Counts are a link's totals on the wire.
type Counts struct {
	NumReferrals uint64            `json:"num_referrals"`
	LastReferral *time.Time        `json:"date_last_referral"` // null when there was none
	NumHits      map[string]uint64 `json:"num_hits"`           // by class
}

// NewCounts is the wire form of t.
func NewCounts(t link.Totals) *Counts {
	c := &Counts{NumReferrals: t.Referrals(), NumHits: make(map[string]uint64, link.NumClasses)}
	if !t.LastReferral.IsZero() {
		last := t.LastReferral.UTC()
		c.LastReferral = &last
	}
	for class := range link.NumClasses {
		c.NumHits[class.String()] = t.Hits[class]
	}
	return c
}

// totals is the inverse of NewCounts. Classes that this client does not know
// are left out.
func (c Counts) totals() link.Totals {
	var t link.Totals
	for name, n := range c.NumHits {
		if class, ok := link.ParseClass(name); ok {
			t.Hits[class] = n
		}
	}
	if c.LastReferral != nil {
		t.LastReferral = *c.LastReferral
	}
	return t
}

// Ref names a link on the wire. An empty domain is the default domain.
type Ref struct {
	Domain string `json:"domain,omitempty"`
	Slug   string `json:"shorturl_token"`
}

func newRefs(refs []link.Ref) []Ref {
	out := make([]Ref, len(refs))
	for i, r := range refs {
		out[i] = Ref(r)
	}
	return out
}

func linkRefs(refs []Ref) []link.Ref {
	out := make([]link.Ref, len(refs))
	for i, r := range refs {
		out[i] = link.Ref(r)
	}
	return out
}

// putRequest and putAnswer belong to POST /v1/links.
type putRequest struct {
	Links []draft `json:"links"`
}

// draft is a link to be put. Without shorturl_token a token is made.
type draft struct {
	Domain      string `json:"domain,omitempty"`
	Slug        string `json:"shorturl_token,omitempty"`
	Target      string `json:"original_url"`
	Site        string `json:"site,omitempty"`
	Publication string `json:"publication,omitempty"`
	Redirect    string `json:"redirect,omitempty"` // 302 or js; absent: 302
}

type putAnswer struct {
	Links []Link `json:"links"`
}

func newDraft(d link.Draft) draft {
	return draft{Domain: d.Domain, Slug: d.Slug, Target: d.Target, Site: d.Site, Publication: d.Publication, Redirect: methodName(d.Method)}
}

// draft is the inverse of newDraft.
func (d draft) draft() (link.Draft, error) {
	method, err := parseMethod(d.Redirect)
	return link.Draft{Ref: link.Ref{Domain: d.Domain, Slug: d.Slug}, Target: d.Target, Site: d.Site, Publication: d.Publication, Method: method}, err
}

// linkAnswer belongs to GET and PATCH of one link; only GET has counts.
type linkAnswer struct {
	Position *uint64 `json:"position,omitempty"`
	Link     Link    `json:"link"`
}

// editRequest belongs to PATCH of one link; what is absent stays.
type editRequest struct {
	Target string `json:"original_url,omitempty"`
	State  string `json:"state,omitempty"` // active or disabled
}

// listAnswer belongs to GET /v1/links.
type listAnswer struct {
	Position uint64 `json:"position"`
	Links    []Link `json:"links"`
	Next     uint64 `json:"next,omitempty"` // the after of the next page; absent on the last one
	Total    uint64 `json:"total"`          // links on all pages
}

// totalsRequest and totalsAnswer belong to POST /v1/totals.
type totalsRequest struct {
	Links []Ref `json:"links"`
}

type totalsAnswer struct {
	Position uint64   `json:"position"`
	Totals   []totals `json:"totals"` // in the order asked
}

type totals struct {
	Ref
	*Counts
}

// countsRequest and countsAnswer belong to POST /v1/counts.
type countsRequest struct {
	Links []Ref      `json:"links"`
	From  time.Time  `json:"from"`
	To    *time.Time `json:"to,omitempty"`   // absent: now
	Step  string     `json:"step,omitempty"` // such as 15m or 24h; absent: the whole span
	By    string     `json:"by,omitempty"`   // class, rule, referrer, country, device, browser or os
}

type countsAnswer struct {
	Position uint64  `json:"position"`
	Counts   []count `json:"counts"`
}

type count struct {
	Ref
	Start   time.Time `json:"start"`
	Value   string    `json:"value"`
	NumHits uint64    `json:"num_hits"`
}

func newCountsRequest(q link.CountQuery) countsRequest {
	r := countsRequest{Links: newRefs(q.Links), From: q.From, By: q.By.String()}
	if !q.To.IsZero() {
		r.To = &q.To
	}
	if q.Step != 0 {
		r.Step = q.Step.String()
	}
	return r
}

// query is the inverse of newCountsRequest.
func (r countsRequest) query() (link.CountQuery, error) {
	q := link.CountQuery{Links: linkRefs(r.Links), From: r.From}
	if r.To != nil {
		q.To = *r.To
	}
	if r.Step != "" {
		step, err := time.ParseDuration(r.Step)
		if err != nil {
			return q, fmt.Errorf("%w: step %q; give a duration such as 15m or 24h", link.ErrQuery, r.Step)
		}
		q.Step = step
	}
	by, ok := link.ParseDimension(r.By)
	if !ok {
		return q, fmt.Errorf("%w: by %q; give class, rule, referrer, country, device, browser or os", link.ErrQuery, r.By)
	}
	q.By = by
	return q, nil
}

// referralsAnswer belongs to GET of a link's referrals.
type referralsAnswer struct {
	Position  uint64     `json:"position"`
	Total     uint64     `json:"total"` // referrals that can still be read in full
	Referrals []referral `json:"referrals"`
}

// referral is one referral in full. Texts are UTF-8: bytes that a visitor sent
// otherwise are replaced.
type referral struct {
	Position uint64    `json:"position"`
	Date     time.Time `json:"date"`
	Page     string    `json:"page"`
	Address  string    `json:"address"` // truncated unless the operator says otherwise; empty when not known
	Agent    string    `json:"agent"`
	Country  string    `json:"country"`
}

func newReferral(r link.Referral) referral {
	w := referral{Position: r.Position, Date: r.Time.UTC(), Page: r.Page, Agent: r.Agent, Country: r.Country}
	if r.Addr.IsValid() {
		w.Address = r.Addr.String()
	}
	return w
}

func (w referral) referral() (link.Referral, error) {
	r := link.Referral{Position: w.Position, Time: w.Date, Page: w.Page, Agent: w.Agent, Country: w.Country}
	if w.Address != "" {
		// UnmarshalText knows zones and both families.
		if err := r.Addr.UnmarshalText([]byte(w.Address)); err != nil {
			return r, fmt.Errorf("address of referral %d: %w", w.Position, err)
		}
	}
	return r, nil
}

// changesAnswer belongs to GET /v1/changes.
type changesAnswer struct {
	Changes []change `json:"changes"`
}

type change struct {
	Sequence uint64 `json:"sequence"`
	Link     Link   `json:"link"`
}

// domainsAnswer belongs to GET /v1/domains. The first domain is the default.
type domainsAnswer struct {
	Domains []domain `json:"domains"`
}

type domain struct {
	Domain string `json:"domain"`
	URL    string `json:"base"` // of its short URLs, without the last slash
}

// verifyLine is one line of the answer to POST /v1/verify: progress, and at the
// end a report or an error.
type verifyLine struct {
	Done   uint64   `json:"done,omitempty"`
	Total  uint64   `json:"total,omitempty"`
	Report *Report  `json:"report,omitempty"`
	Error  *refusal `json:"error,omitempty"`
}

// Report is the outcome of a verification on the wire and in the output of
// commands.
type Report struct {
	From        uint64       `json:"from"` // hits recounted: from this position
	To          uint64       `json:"to"`   // up to before this one
	Links       uint64       `json:"links"`
	Damaged     uint64       `json:"damaged"`
	Exact       bool         `json:"exact"`
	Different   uint64       `json:"different"`
	Differences []difference `json:"differences"`
}

type difference struct {
	Number    uint64 `json:"number"`
	Stored    Counts `json:"stored"`
	Recounted Counts `json:"recounted"`
}

// NewReport is the wire form of r.
func NewReport(r counter.Report) Report {
	w := Report{From: r.From, To: r.To, Links: r.Links, Damaged: r.Damaged, Exact: r.Exact, Different: r.Different, Differences: []difference{}}
	for _, d := range r.Differences {
		w.Differences = append(w.Differences, difference{d.Link, *NewCounts(d.Stored), *NewCounts(d.Recounted)})
	}
	return w
}

func (w Report) report() counter.Report {
	r := counter.Report{From: w.From, To: w.To, Links: w.Links, Damaged: w.Damaged, Exact: w.Exact, Different: w.Different}
	for _, d := range w.Differences {
		r.Differences = append(r.Differences, counter.Difference{Link: d.Number, Stored: d.Stored.totals(), Recounted: d.Recounted.totals()})
	}
	return r
}

package oneall

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"herald.example/internal/link"
)

// shorturlBody is the request to shorten a URL: contract, section 8.
type shorturlBody struct {
	Shorturl part[struct {
		Target string `json:"original_url"`
	}] `json:"shorturl"`
}

func (h *Handler) createShorturl(c *call) (answer, error) {
	body, err := decode[shorturlBody](h, c, smallBody, false)
	if err != nil {
		return answer{}, err
	}
	target := body.Shorturl.v.Target
	if target == "" {
		return answer{}, badRequest("request.shorturl.original_url is missing; send the URL that the short one shall lead to.")
	}
	if err := checkURL("request.shorturl.original_url", target); err != nil {
		return answer{}, err
	}
	bases, err := h.o.Publisher.Bases(c.context())
	if err != nil {
		return answer{}, err
	}
	domain, err := h.o.Publisher.Domain(c.context(), c.site)
	if err != nil {
		return answer{}, err
	}
	links, err := h.o.Links.Put(c.context(), []link.Draft{{Ref: link.Ref{Domain: domain}, Target: target, Site: c.site.ID, Method: c.site.Redirect}})
	if err != nil {
		return answer{}, linksError(err)
	}
	return ok(object{{"shorturl", h.shorturlNode(links[0], bases, link.Totals{})}}), nil
}

func (h *Handler) listShorturls(c *call) (answer, error) {
	q := c.readPage(defaultPage, true)
	query := link.ListQuery{Site: c.site.ID, Skip: q.skip(), Limit: q.size, Descending: q.descending}
	if q.after != "" {
		var err error
		if query.After, err = strconv.ParseUint(q.after, 36, 64); err != nil || query.After == 0 {
			return answer{}, badRequest("There is no such page; leave out the parameter after to begin from the start.")
		}
	}
	page, err := h.o.Links.List(c.context(), query)
	if err != nil {
		return answer{}, linksError(err)
	}
	refs := make([]link.Ref, len(page.Links))
	for i, l := range page.Links {
		refs[i] = l.Ref
	}
	totals, err := h.totals(c.context(), refs)
	if err != nil {
		return answer{}, err
	}
	bases, err := h.o.Publisher.Bases(c.context())
	if err != nil {
		return answer{}, err
	}
	entries := make(list, len(page.Links))
	for i, l := range page.Links {
		entries[i] = h.shorturlNode(l, bases, totals[l.Ref])
	}
	next := ""
	if page.Next != 0 {
		next = strconv.FormatUint(page.Next, 36)
	}
	return ok(object{{"shorturls", listing(q.pagination(int(page.Total), next), entries)}}), nil
}

func (h *Handler) readShorturl(c *call) (answer, error) {
	l, err := h.findShorturl(c)
	if err != nil {
		return answer{}, err
	}
	totals, err := h.totals(c.context(), []link.Ref{l.Ref})
	if err != nil {
		return answer{}, err
	}
	bases, err := h.o.Publisher.Bases(c.context())
	if err != nil {
		return answer{}, err
	}
	referrals, err := h.referrals(c, l.Ref)
	if err != nil {
		return answer{}, err
	}
	node := append(h.shorturlNode(l, bases, totals[l.Ref]), member{"referrals", referrals})
	return ok(object{{"shorturl", node}}), nil
}

// referrals are the clicks of a link: contract, sections 8 and 14-11. Unless a page is
// asked for, they are the newest ones, the oldest of these first.
func (h *Handler) referrals(c *call, ref link.Ref) (object, error) {
	q := c.readPage(defaultReferrals, false)
	q.after = "" // clicks have no cursor
	newest := !c.query.Has("page") && !c.query.Has("entries_per_page")
	found, err := h.o.Links.Referrals(c.context(), link.ReferralQuery{Ref: ref, Skip: q.skip(), Limit: q.size, Descending: q.descending || newest})
	if err != nil {
		return nil, linksError(err)
	}
	if newest && !q.descending {
		slices.Reverse(found.Referrals)
	}
	entries := make(list, len(found.Referrals))
	for i, r := range found.Referrals {
		node := object{{"page", r.Page}, {"date_creation", h.date(r.Time)}}
		if r.Addr.IsValid() {
			node = append(node, member{"ip_address", r.Addr.WithZone("").String()})
		}
		entries[i] = append(node, member{"user_agent", r.Agent})
	}
	return listing(q.pagination(int(found.Total), ""), entries), nil
}

func (h *Handler) deleteShorturl(c *call) (answer, error) {
	if err := c.confirmed(); err != nil {
		return answer{}, err
	}
	l, err := h.findShorturl(c)
	if err != nil {
		return answer{}, err
	}
	// The message first: a link that is gone must not show in its details, and when the
	// second step fails the deletion can be asked for again.
	if err := h.o.Publisher.ForgetLink(c.context(), c.site.ID, l); err != nil {
		return answer{}, err
	}
	if err := h.o.Links.Delete(c.context(), l.Ref); err != nil {
		return answer{}, lookup(linksError(err), "shorturl")
	}
	return answer{code: http.StatusOK, info: "The shorturl has been deleted, and its clicks with it."}, nil
}

// findShorturl is the link of the path, on the domain of the site's short URLs or
// the default one: a site may have been given its own later.
func (h *Handler) findShorturl(c *call) (link.Link, error) {
	if link.CheckSlug(c.token) != nil {
		return link.Link{}, missing("shorturl")
	}
	domain, err := h.o.Publisher.Domain(c.context(), c.site)
	if err != nil {
		return link.Link{}, err
	}
	l, err := h.getLink(c.context(), link.Ref{Domain: domain, Slug: c.token}, c.site.ID)
	if errors.Is(err, link.ErrNotFound) {
		l, err = h.getLink(c.context(), link.Ref{Slug: c.token}, c.site.ID)
	}
	return l, lookup(err, "shorturl")
}

// getLink is a live link of a site. Other sites' links are not found.
func (h *Handler) getLink(ctx context.Context, ref link.Ref, siteID string) (link.Link, error) {
	l, err := h.o.Links.Get(ctx, ref)
	if err != nil {
		return l, linksError(err)
	}
	if l.Site != siteID || l.State == link.Deleted {
		return link.Link{}, link.ErrNotFound
	}
	return l, nil
}

// shorturlNode is a link as its own resource shows it, with numbers as numbers.
func (h *Handler) shorturlNode(l link.Link, bases link.Bases, t link.Totals) object {
	return append(h.shorturlHead(l, bases, t), member{"num_referrals", t.Referrals()})
}

// shorturlHead is a link without its number of referrals.
func (h *Handler) shorturlHead(l link.Link, bases link.Bases, t link.Totals) object {
	node := append(make(object, 0, 6), // room for all that is added
		member{"shorturl_token", l.Slug},
		member{"original_url", l.Target},
		member{"short_url", bases.ShortURL(l.Ref)},
		member{"date_creation", h.date(l.Created)})
	if t.LastReferral.IsZero() {
		return node
	}
	return append(node, member{"date_last_referral", h.date(t.LastReferral)})
}

// linksError keeps what the shortener says of links, and makes everything else one
// error: it is another program perhaps, and may be away.
func linksError(err error) error {
	for _, known := range []error{link.ErrNotFound, link.ErrDeleted, link.ErrTarget, link.ErrDomain, context.Canceled} {
		if errors.Is(err, known) {
			return err
		}
	}
	return fmt.Errorf("%w: %w", errLinks, err)
}

package gigya

import (
	"context"
	"errors"
	"strings"

	"herald.example/internal/link"
	"herald.example/internal/site"
)

// shortenURL makes a short URL: contract, section 14. When the site itself asks, its
// approved URLs do not bind it; with a token of a user they do, since that is in the
// user's hands. What is a short URL of ours comes back as it is: a
// link to a link would count a visitor twice. Blanks in a URL, as in the contract's
// third vector, are encoded: clients send what people type.
func (h *Handler) shortenURL(ctx context.Context, c *call) (object, error) {
	target := strings.ReplaceAll(strings.TrimSpace(c.parameters.get("url")), " ", "%20")
	if target == "" {
		return nil, missing("url")
	}
	if err := link.CheckTarget(target); err != nil {
		return nil, invalid("url", "%v", err)
	}
	cid, err := readCID(c)
	if err != nil {
		return nil, err
	}
	bases, err := h.o.Publisher.Bases(ctx)
	if err != nil {
		return nil, err
	}
	if bases.Holds(target) {
		return object{{"shortURL", target}}, nil
	}
	if c.bound != "" && !site.Trusts(c.keys.Site.Gigya.Trusted, target) {
		return nil, faultf(codeSpam, "The site has not approved this URL.")
	}
	domain, err := h.o.Publisher.Domain(ctx, c.keys.Site)
	if err != nil {
		return nil, err
	}
	draft := link.Draft{Ref: link.Ref{Domain: domain}, Target: target, Site: c.keys.Site.ID, Method: c.keys.Site.Redirect}
	links, err := h.o.Links.Put(ctx, []link.Draft{draft})
	switch {
	case errors.Is(err, link.ErrTarget):
		return nil, invalid("url", "%v", err)
	case errors.Is(err, link.ErrDomain):
		return nil, faultf(codeSiteConfig, "The domain of the site's short URLs is not served here.")
	case err != nil:
		return nil, err
	}
	// A link that is not noted is missing in reports alone, and the caller asks again.
	if err := h.o.Reports.NoteLinks(ctx, c.keys.Site.ID, cid, "", c.now, links[0].Ref); err != nil {
		return nil, err
	}
	return object{{"shortURL", bases.ShortURL(links[0].Ref)}}, nil
}

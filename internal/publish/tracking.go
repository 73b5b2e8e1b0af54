package publish

import (
	"context"
	"unicode/utf8"

	"herald.example/internal/link"
	"herald.example/internal/publish/render"
	"herald.example/internal/site"
)

// urls are the different URLs of the parts that people can follow, which may get links:
// the link's, those of a user action's picture and of the link below it, and those in
// the text, in this order. A picture's own URL is none of them.
func (parts Parts) urls() []string {
	var urls []string
	seen := make(map[string]bool)
	add := func(url string) {
		if url != "" && !seen[url] {
			seen[url] = true
			urls = append(urls, url)
		}
	}
	if parts.Link != nil {
		add(parts.Link.URL)
	}
	if parts.Picture != nil {
		add(parts.Picture.Link)
	}
	if parts.Action != nil {
		for _, l := range parts.Action.Links {
			add(l.URL)
		}
	}
	if parts.Text != nil {
		for _, url := range render.URLs(parts.Text.Body) {
			add(url)
		}
	}
	return urls
}

// tracked are those of the URLs of a provider's parts that get links. Of what came with
// Gigya's dialect that are fewer (contract, sections 8 and 9): URLs that a user wrote
// and the site does not approve, which would make an open redirect of us, and short URLs
// of our own are left as they are.
func (parts Parts) tracked(s site.Site, bases link.Bases) []string {
	if !parts.Tracking {
		return nil
	}
	urls := parts.urls()
	if parts.Share == nil {
		return urls
	}
	given := make(map[string]bool) // by the site, not in the text
	withoutText := parts
	withoutText.Text = nil
	for _, url := range withoutText.urls() {
		given[url] = true
	}
	kept := urls[:0]
	for _, url := range urls {
		if parts.Longer > 0 && utf8.RuneCountInString(url) <= parts.Longer || bases.Holds(url) {
			continue
		}
		if given[url] || site.Trusts(s.Gigya.Trusted, url) {
			kept = append(kept, url)
		}
	}
	return kept
}

// addLinks gives publications their links: one for each URL, so that referrals are
// those of a publication. before are the message's other publications.
func (p *Publisher) addLinks(ctx context.Context, r Request, a *Acceptance, before []Publication) error {
	var domain string
	var bases link.Bases
	urls := make(map[string][]string) // by provider
	for i := range a.Publications {
		t := &a.Publications[i]
		if t.State != Pending || !r.Parts.Tracking {
			continue
		}
		if r.Parts.Share != nil && bases == nil {
			var err error
			if bases, err = p.Bases(ctx); err != nil {
				return err
			}
		}
		tracked, known := urls[t.Provider]
		if !known {
			tracked = r.Parts.Of(t.Provider).tracked(r.Site, bases)
			urls[t.Provider] = tracked
		}
		if domain == "" && len(tracked) > 0 {
			var err error
			if domain, err = p.Domain(ctx, r.Site); err != nil {
				return err
			}
		}
		for _, url := range tracked {
			ref := link.Ref{Domain: domain, Slug: link.NewToken(p.o.TokenLength)}
			t.Links = append(t.Links, TrackedLink{Ref: ref, Target: url, Created: a.At})
		}
	}
	return checkRounds(before, a.Publications)
}

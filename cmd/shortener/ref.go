package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"herald.example/internal/command"
	"herald.example/internal/link"
	"herald.example/internal/linkapi"
)

// explain says what a user can do about the error of an operation, which is
// named with its subject, as in "edit link go.example.com/docs". An error of the
// service names both itself; one of a draft, or of the way to the service, does
// not.
func explain(operation string, err error) error {
	if draft, ok := errors.AsType[*link.DraftError](err); ok { // a command puts one link, so its index says nothing
		err = fmt.Errorf("%s: %w", operation, draft.Err)
	}
	switch {
	case errors.Is(err, link.ErrTaken):
		return fmt.Errorf("%w; choose another --alias, or leave it out for a token", err)
	case errors.Is(err, link.ErrNotFound):
		return fmt.Errorf("%w; shortener link list prints all links", err)
	}
	return command.Explain(operation, err)
}

// slug is a link on the command line: a slug, domain/slug, or a short URL.
type slug struct{ link.Ref }

// UnmarshalText reads a slug. The domain stays empty when none is given.
func (s *slug) UnmarshalText(text []byte) error {
	rest := string(text)
	if strings.Contains(rest, "://") {
		u, err := url.Parse(rest)
		if err != nil || u.Host == "" {
			return fmt.Errorf("%q is no short URL", text)
		}
		rest = u.Host + u.EscapedPath()
	}
	if host, path, ok := strings.Cut(rest, "/"); ok {
		domain, err := link.CheckDomain(host)
		if err != nil {
			return err
		}
		s.Domain, rest = domain, path
	}
	if n := link.SlugLen([]byte(rest)); n == 0 || n != len(rest) {
		return fmt.Errorf("%q; give a slug, domain/slug, or a short URL", text)
	}
	s.Slug = rest
	return nil
}

// name is how messages call the link.
func (s slug) name() string {
	if s.Domain == "" {
		return s.Slug
	}
	return s.String()
}

// counted returns links as commands print them: with short URLs and totals.
func counted(ctx context.Context, client *linkapi.Client, links []link.Link) (position uint64, out []linkapi.Link, err error) {
	bases, err := client.Bases(ctx)
	if err != nil {
		return 0, nil, err
	}
	refs := make([]link.Ref, len(links))
	for i, l := range links {
		refs[i] = l.Ref
	}
	totals, err := client.Totals(ctx, refs)
	if err != nil {
		return 0, nil, err
	}
	out = make([]linkapi.Link, len(links))
	for i, l := range links {
		out[i] = linkapi.NewLink(l, bases.ShortURL(l.Ref))
		out[i].Counts = linkapi.NewCounts(totals.Totals[i])
	}
	return totals.Position, out, nil
}

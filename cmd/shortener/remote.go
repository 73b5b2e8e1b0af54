package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"strings"

	"herald.example/internal/link"
	"herald.example/internal/linkapi"
)

// remote says where a running shortener is; every command that talks to one
// embeds it.
type remote struct {
	Control   string `env:"HERALD_CONTROL" default:"127.0.0.1:8081" placeholder:"ADDR" help:"Control address of the shortener: host:port or unix:/path (${default}). $$${env}"`
	Data      string `env:"HERALD_DATA" default:"data" placeholder:"DIR" help:"Data folder of the shortener, to find its token in (${default}). $$${env}"`
	TokenFile string `env:"HERALD_TOKEN_FILE" placeholder:"FILE" help:"File with the control token (DATA/control.token). $$${env}"`
	JSON      bool   `name:"json" help:"Print JSON, with the field names of the control interface."`
}

// dial returns a client of the shortener.
func (r remote) dial() (*linkapi.Client, error) {
	path := r.TokenFile
	if path == "" {
		path = filepath.Join(r.Data, linkapi.TokenFile)
	}
	token, err := linkapi.ReadToken(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w; name the shortener's data folder with --data or its token with --token-file", err)
	}
	if err != nil {
		return nil, err
	}
	client, err := linkapi.NewClient(r.Control, token)
	if err != nil {
		return nil, usageError{err}
	}
	return client, nil
}

// explain says what a user can do about the error of an operation, which is
// named with its subject, as in "edit link go.example.com/docs". An error of the
// service names both itself; one of a draft, or of the way to the service, does
// not.
func explain(operation string, err error) error {
	switch draft, isDraft := errors.AsType[*link.DraftError](err); {
	case isDraft: // a command puts one link, so its index says nothing
		err = fmt.Errorf("%s: %w", operation, draft.Err)
	case errors.Is(err, linkapi.ErrUnavailable):
		return fmt.Errorf("%s: %w; is it running, and is --control its address?", operation, err)
	case errors.Is(err, linkapi.ErrUnauthorized):
		return fmt.Errorf("%s: %w by the shortener; name its data folder with --data or its token with --token-file", operation, linkapi.ErrUnauthorized)
	}
	switch {
	case errors.Is(err, link.ErrTaken):
		return fmt.Errorf("%w; choose another --alias, or leave it out for a token", err)
	case errors.Is(err, link.ErrNotFound):
		return fmt.Errorf("%w; shortener link list prints all links", err)
	}
	return err
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

// printJSON prints one indented value. Targets keep their ampersands.
func (p *program) printJSON(v any) error {
	e := json.NewEncoder(p.stdout)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

package shortener

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"herald.example/internal/link"
)

// Bases are the domains served. The error is for implementations over a wire.
func (s *Service) Bases(context.Context) (link.Bases, error) { return s.bases, nil }

// Put puts links, all or none, in one transaction. A draft without domain is
// put on the default domain; one without slug gets a fresh token. A draft that
// breaks a rule, or whose slug is taken, is named by a *link.DraftError.
func (s *Service) Put(ctx context.Context, drafts []link.Draft) ([]link.Link, error) {
	if err := checkBatch(len(drafts)); err != nil {
		return nil, fmt.Errorf("put links: %w", err)
	}
	// A token that was free when it was drawn can be taken by another Put in
	// between; with five characters or more, several times in a row is no chance.
	const tries = 5
	for try := 1; ; try++ {
		whole, err := s.complete(drafts)
		if err != nil {
			return nil, err
		}
		links, err := s.links.Put(ctx, whole, s.now())
		if draft, ok := errors.AsType[*link.DraftError](err); ok && errors.Is(err, link.ErrTaken) && drafts[draft.Index].Slug == "" && try < tries {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, l := range links {
			s.redirect.Forget(l.Ref)
		}
		return links, nil
	}
}

// checkBatch holds the number of links that a call names against the bound.
func checkBatch(n int) error {
	if n > link.MaxBatch {
		return fmt.Errorf("%w: %d links, at most %d are allowed", link.ErrQuery, n, link.MaxBatch)
	}
	return nil
}

// complete returns drafts with domains that are served here, and with slugs. The
// store holds them against the other rules.
func (s *Service) complete(drafts []link.Draft) ([]link.Draft, error) {
	whole := make([]link.Draft, len(drafts))
	drawn := make(map[link.Ref]bool) // tokens of this batch
	for i, d := range drafts {
		refuse := func(field string, err error) ([]link.Draft, error) {
			return nil, &link.DraftError{Index: i, Field: field, Err: err}
		}
		ref, err := s.locate(d.Ref)
		if err == nil && s.bases.Find(ref.Domain) == nil {
			err = fmt.Errorf("%w: %s is not served here; served are %s", link.ErrDomain, ref.Domain, strings.Join(s.bases.Domains(), ", "))
		}
		if err != nil {
			return refuse("domain", err)
		}
		if d.Ref = ref; d.Slug == "" {
			if d.Slug, err = s.freeToken(d.Domain, drawn); err != nil {
				return refuse("slug", err)
			}
			drawn[d.Ref] = true
		}
		whole[i] = d
	}
	return whole, nil
}

// freeToken draws a token that nobody on the domain has. Looking first matters
// beyond saving a failed transaction: a Put of a slug that leads to the same
// target succeeds, and would make two links one.
func (s *Service) freeToken(domain string, drawn map[link.Ref]bool) (string, error) {
	// Even with half of all tokens in use, this many draws fail once in a
	// million million million calls.
	const draws = 64
	for range draws {
		token := link.NewToken(s.tokenLength)
		if drawn[link.Ref{Domain: domain, Slug: token}] {
			continue
		}
		_, _, err := s.links.Resolve(domain, []byte(token), nil)
		if errors.Is(err, link.ErrNotFound) {
			return token, nil
		}
		if err != nil {
			return "", err
		}
	}
	return "", fmt.Errorf("%w: no free token of %d characters was found; make tokens longer", link.ErrTaken, s.tokenLength)
}

// locate gives ref its domain as links carry it, the default when it has none.
func (s *Service) locate(ref link.Ref) (link.Ref, error) {
	if ref.Domain == "" {
		ref.Domain = s.bases.Default()
		return ref, nil
	}
	domain, err := link.CheckDomain(ref.Domain)
	ref.Domain = domain
	return ref, err
}

// Get returns one link. A tombstone is link.ErrDeleted.
func (s *Service) Get(_ context.Context, ref link.Ref) (link.Link, error) {
	ref, err := s.locate(ref)
	if err != nil {
		return link.Link{}, fmt.Errorf("get link %s: %w", ref, err)
	}
	l, err := s.links.Get(ref)
	if err != nil {
		return link.Link{}, err
	}
	return l, nil
}

// Edit changes target or state and returns the link as it is now. Tombstones
// stay what they are: link.ErrDeleted.
func (s *Service) Edit(ctx context.Context, ref link.Ref, change link.Change) (link.Link, error) {
	ref, err := s.locate(ref)
	if err != nil {
		return link.Link{}, fmt.Errorf("edit link %s: %w", ref, err)
	}
	l, err := s.links.Edit(ctx, ref, change, s.now())
	if err != nil {
		return link.Link{}, err
	}
	s.redirect.Forget(ref)
	return l, nil
}

// Delete turns a link into a tombstone. A second time it is link.ErrDeleted.
func (s *Service) Delete(ctx context.Context, ref link.Ref) error {
	ref, err := s.locate(ref)
	if err != nil {
		return fmt.Errorf("delete link %s: %w", ref, err)
	}
	if _, err := s.links.Delete(ctx, ref, s.now()); err != nil {
		return err
	}
	s.redirect.Forget(ref)
	return nil
}

// List returns one page of links in the order they were made.
func (s *Service) List(_ context.Context, query link.ListQuery) (link.Page, error) {
	return s.links.List(query)
}

// Changes returns changes after a sequence number in commit order, up to limit;
// 0 means link.DefaultPage.
func (s *Service) Changes(_ context.Context, after uint64, limit int) ([]link.ChangeEvent, error) {
	return s.links.Changes(after, limit)
}

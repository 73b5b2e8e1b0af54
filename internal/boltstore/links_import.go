package boltstore

import (
	"context"
	"fmt"
	"iter"

	"herald.example/internal/link"
)

// importBatch is how many links Import writes in a transaction. bbolt gathers a
// transaction's keys in one sorted slice per bucket, which costs more the longer
// it gets, while the two syncs are noticeable in smaller ones.
const importBatch = 10_000

// Import puts many links, in transactions of their own, and returns how many it
// wrote. It is made for millions: the links come sorted, first by the domain,
// then by the slug, byte by byte, and fill the pages of the file to the brim.
// Putting random slugs later splits those pages, which costs that Put some time.
//
// Numbers are drawn in the order of the links; all else is taken as it is,
// tombstones included. A link that is there already, with the same target, site
// and publication, is passed over, whatever its method, so an import that broke off may be repeated.
// A different link under the same slug is link.ErrTaken; a link out of order is
// link.ErrQuery. Targets are not held against link.CheckTarget. After an error, or
// when ctx ends, the links of earlier transactions stay.
func (s *Links) Import(ctx context.Context, links iter.Seq[link.Link]) (n uint64, err error) {
	var last link.Ref
	group := make([]link.Link, 0, importBatch)
	for l := range links {
		if err := checkImport(l, last); err != nil {
			return n, fmt.Errorf("import link %s: %w", l.Ref, err)
		}
		last = l.Ref
		group = append(group, l)
		if len(group) == importBatch {
			written, err := s.importGroup(ctx, group)
			n += written
			if err != nil {
				return n, fmt.Errorf("import links: %w", err)
			}
			group = group[:0]
		}
	}
	written, err := s.importGroup(ctx, group)
	n += written
	if err != nil {
		return n, fmt.Errorf("import links: %w", err)
	}
	return n, nil
}

// checkImport refuses what is out of order and what the format cannot hold.
func checkImport(l link.Link, last link.Ref) error {
	switch {
	case l.Domain < last.Domain || l.Domain == last.Domain && l.Slug <= last.Slug:
		return fmt.Errorf("%w: it is out of order, after %s", link.ErrQuery, last)
	case l.State < link.Active || l.State > link.Deleted || (l.State == link.Deleted) != (l.Target == ""):
		return fmt.Errorf("%w: %s with %d bytes of target", link.ErrState, l.State, len(l.Target))
	case len(l.Target) > link.MaxTarget:
		return fmt.Errorf("%w: %d bytes", link.ErrTarget, len(l.Target))
	case len(l.Site) > link.MaxOwner || len(l.Publication) > link.MaxOwner:
		return link.ErrOwner
	}
	if err := l.Method.Check(); err != nil {
		return err
	}
	if l.Domain != last.Domain {
		if domain, err := link.CheckDomain(l.Domain); err != nil || domain != l.Domain {
			return link.ErrDomain
		}
	}
	return link.CheckSlug(l.Slug)
}

// importGroup writes sorted links in one transaction.
func (s *Links) importGroup(ctx context.Context, links []link.Link) (n uint64, err error) {
	c := &change[*writer]{cost: len(links)}
	for i, l := range links {
		if i == 0 || l.Domain != links[i-1].Domain {
			c.domains = append(c.domains, l.Domain)
		}
	}
	c.apply = func(w *writer) (err error) {
		n, err = w.importLinks(links)
		return err
	}
	if err := s.changes.commit(ctx, c); err != nil {
		return 0, err
	}
	return n, nil
}

// importLinks is importGroup in its transaction.
func (w *writer) importLinks(links []link.Link) (n uint64, err error) {
	fresh := make([]bool, len(links))
	var key []byte
	for i, l := range links {
		key = appendSlugKey(key[:0], w.domains.ids[l.Domain], l.Slug)
		rec, found, err := w.find(key)
		switch {
		case err != nil:
			return 0, fmt.Errorf("%s: %w", l.Ref, err)
		case found && (string(rec.target) != l.Target || string(rec.site) != l.Site || string(rec.publication) != l.Publication):
			return 0, fmt.Errorf("%s: %w", l.Ref, link.ErrTaken)
		}
		fresh[i] = !found
	}
	w.slugs.FillPercent = 1
	for i, l := range links {
		if fresh[i] {
			n++
			key = appendSlugKey(key[:0], w.domains.ids[l.Domain], l.Slug)
			w.create(key, record{
				state: l.State, method: l.Method, created: l.Created.UnixMilli(), edited: l.Edited.UnixMilli(),
				site: []byte(l.Site), publication: []byte(l.Publication), target: []byte(l.Target),
			})
		}
	}
	return n, nil
}

package boltstore

import (
	"context"
	"fmt"
	"time"

	"herald.example/internal/link"
)

// Put creates the links of the drafts, all of them or none, and returns them in
// the order of the drafts. Every draft has a slug: tokens are drawn before.
//
// It is idempotent: for a draft whose slug leads to the same target already, for
// the same site and publication, the link that is there is returned as it is. Its
// method is its own, too: a draft is put again, after its answer was lost, also when
// new links have got another method meanwhile.
//
// An error about a draft wraps a *link.DraftError, which names it: with
// link.ErrTaken when the slug belongs to a different link or to a tombstone, or
// with the sentinel of the rule that the draft breaks. More than link.MaxBatch
// drafts are refused with link.ErrQuery. When ctx ends while others commit,
// nothing is written.
func (s *Links) Put(ctx context.Context, drafts []link.Draft, now time.Time) ([]link.Link, error) {
	if len(drafts) == 0 {
		return nil, nil
	}
	if len(drafts) > link.MaxBatch {
		return nil, fmt.Errorf("put links: %w: %d drafts, at most %d are allowed", link.ErrQuery, len(drafts), link.MaxBatch)
	}
	c := &change[*writer]{cost: len(drafts)}
	known := s.domains.Load().ids
	for i, d := range drafts {
		if field, err := d.Check(); err != nil {
			return nil, fmt.Errorf("put links: %w", &link.DraftError{Index: i, Field: field, Err: err})
		}
		if _, ok := known[d.Domain]; !ok {
			c.domains = append(c.domains, d.Domain)
		}
	}
	var links []link.Link
	c.apply = func(w *writer) (err error) {
		links, err = w.putDrafts(drafts, now.UnixMilli())
		return err
	}
	if err := s.changes.commit(ctx, c); err != nil {
		return nil, fmt.Errorf("put links: %w", err)
	}
	return links, nil
}

// putDrafts is Put in a transaction, at now in Unix milliseconds.
func (w *writer) putDrafts(drafts []link.Draft, now int64) ([]link.Link, error) {
	links := make([]link.Link, len(drafts))
	keys := make([][]byte, len(drafts)) // nil: the link is there already
	first := make(map[link.Ref]int, len(drafts))
	taken := func(i int) error {
		return &link.DraftError{Index: i, Field: "slug", Err: fmt.Errorf("%s: %w", drafts[i].Ref, link.ErrTaken)}
	}
	for i, d := range drafts {
		if j, twice := first[d.Ref]; twice {
			if d.Method = drafts[j].Method; d != drafts[j] {
				return nil, taken(i)
			}
			continue
		}
		first[d.Ref] = i
		key := appendSlugKey(nil, w.domains.ids[d.Domain], d.Slug)
		rec, found, err := w.find(key)
		switch {
		case err != nil:
			return nil, fmt.Errorf("%s: %w", d.Ref, err)
		case !found:
			keys[i] = key
		case string(rec.target) != d.Target || string(rec.site) != d.Site || string(rec.publication) != d.Publication:
			return nil, taken(i)
		default:
			links[i] = rec.link(d.Ref)
		}
	}
	for i, d := range drafts {
		if j := first[d.Ref]; j != i {
			links[i] = links[j]
		} else if keys[i] != nil {
			rec := record{
				state: link.Active, method: d.Method, created: now, edited: now,
				site: []byte(d.Site), publication: []byte(d.Publication), target: []byte(d.Target),
			}
			rec.number = w.create(keys[i], rec)
			links[i] = rec.link(d.Ref)
		}
	}
	return links, nil
}

// Edit changes target or state of a link and returns it as it is then. A change
// that changes nothing is no event, and leaves the date as it was.
//
// It returns an error that wraps link.ErrNotFound, link.ErrDeleted,
// link.ErrTarget or link.ErrState, the last for states other than Active and
// Disabled. When ctx ends while others commit, nothing is written.
func (s *Links) Edit(ctx context.Context, ref link.Ref, edit link.Change, now time.Time) (link.Link, error) {
	fail := func(err error) (link.Link, error) { return link.Link{}, fmt.Errorf("edit link %s: %w", ref, err) }
	if edit.Target != "" {
		if err := link.CheckTarget(edit.Target); err != nil {
			return fail(err)
		}
	}
	if edit.State > link.Disabled {
		return fail(fmt.Errorf("%w: %s cannot be set", link.ErrState, edit.State))
	}
	l, err := s.rewrite(ctx, ref, func(rec *record) bool {
		before := *rec
		if edit.Target != "" {
			rec.target = []byte(edit.Target)
		}
		if edit.State != 0 {
			rec.state = edit.State
		}
		rec.edited = now.UnixMilli()
		return rec.state != before.state || string(rec.target) != string(before.target)
	})
	if err != nil {
		return fail(err)
	}
	return l, nil
}

// Delete turns a link into a tombstone and returns it. Its slug is never issued
// again. It returns an error that wraps link.ErrNotFound, or link.ErrDeleted when
// it is a tombstone already. When ctx ends while others commit, nothing is
// written.
func (s *Links) Delete(ctx context.Context, ref link.Ref, now time.Time) (link.Link, error) {
	l, err := s.rewrite(ctx, ref, func(rec *record) bool {
		rec.state, rec.target, rec.edited = link.Deleted, nil, now.UnixMilli()
		return true
	})
	if err != nil {
		return link.Link{}, fmt.Errorf("delete link %s: %w", ref, err)
	}
	return l, nil
}

// rewrite lets edit change the record of a living link, and writes it if edit
// says so. It returns the link as it is then.
func (s *Links) rewrite(ctx context.Context, ref link.Ref, edit func(*record) bool) (l link.Link, err error) {
	c := &change[*writer]{cost: 1}
	c.apply = func(w *writer) error {
		id, known := w.domains.ids[ref.Domain]
		if !known || ref.Slug == "" {
			return link.ErrNotFound
		}
		key := appendSlugKey(nil, id, ref.Slug)
		rec, found, err := w.find(key)
		switch {
		case err != nil:
			return err
		case !found:
			return link.ErrNotFound
		case rec.state == link.Deleted:
			return link.ErrDeleted
		}
		after := rec
		if !edit(&after) {
			l = rec.link(ref)
			return nil
		}
		l = after.link(ref)
		w.edit(key, after)
		return nil
	}
	if err := s.changes.commit(ctx, c); err != nil {
		return link.Link{}, err
	}
	return l, nil
}

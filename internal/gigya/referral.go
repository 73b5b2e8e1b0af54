package gigya

import (
	"context"
	"errors"
	"slices"
	"sync"

	"herald.example/internal/link"
	"herald.example/internal/site"
)

// maxBuckets bounds the counts that links are asked for at a time, so that they are not
// all in memory together.
const maxBuckets = 100_000

// tally adds what the site's own counts say. They are read a day at a time: of all days
// together they may be many.
func (h *Handler) tally(ctx context.Context, siteID string, r *report) error {
	columns := make(map[site.Measure]int)
	for at, m := range r.query.measures {
		if m.counted != 0 {
			columns[m.counted] = at
		}
	}
	if len(columns) == 0 {
		return nil
	}
	for at := r.query.From; !at.After(r.query.To); at = at.AddDate(0, 0, 1) {
		q := r.query.ReportQuery
		q.From, q.To = at, at
		tallies, err := h.o.Reports.Tallies(ctx, siteID, q)
		if err != nil {
			return err
		}
		for _, t := range tallies {
			column, wanted := columns[t.Measure]
			if !wanted || t.Count == 0 {
				continue
			}
			if err := r.add(t.Day, t.CID, t.Provider, column, t.Count); err != nil {
				return err
			}
		}
	}
	return nil
}

// refer adds the visits that came by the site's links.
func (h *Handler) refer(ctx context.Context, siteID string, r *report) error {
	column := slices.IndexFunc(r.query.measures, func(m measure) bool { return m.referrals })
	if column < 0 {
		return nil
	}
	q := link.CountQuery{From: r.query.From, To: r.query.To.AddDate(0, 0, 1)}
	buckets := 1
	if slices.Contains(r.query.dimensions, byDate) {
		q.Step = day
		buckets = int(q.To.Sub(q.From) / day)
	}
	return h.o.Reports.SharedLinks(ctx, siteID, r.query.ReportQuery, func(cid, provider string, refs []link.Ref) error {
		for part := range slices.Chunk(refs, max(1, min(maxBuckets/buckets, link.MaxBatch))) {
			q.Links = part
			counts, err := h.countLinks(ctx, q)
			if err != nil {
				return err
			}
			for _, count := range counts {
				if err := r.add(count.Start, cid, provider, column, count.Hits); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// countLinks counts the referrals of links. Those that the shortener does not know have
// none: of a publication that is still on its way, or of a domain that is served no
// more.
func (h *Handler) countLinks(ctx context.Context, q link.CountQuery) ([]link.Count, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	answer, err := h.o.Links.Counts(ctx, q)
	if !errors.Is(err, link.ErrNotFound) && !errors.Is(err, link.ErrDomain) {
		return answer.Counts, err
	}
	if len(q.Links) == 1 {
		return nil, nil
	}
	first, second := q, q
	half := len(q.Links) / 2
	first.Links, second.Links = q.Links[:half], q.Links[half:]
	counts, err := h.countLinks(ctx, first)
	if err != nil {
		return nil, err
	}
	more, err := h.countLinks(ctx, second)
	return append(counts, more...), err
}

// walkers bounds the reports of one site that are made, or wait to be, at a time: each
// goes through all links of the site.
const walkers = 8

// walks are the reports that are being made, one of each site at a time. The zero value
// is ready.
type walks struct {
	mu    sync.Mutex // protects what follows
	sites map[string]*walk
}

// walk is the place of one site.
type walk struct {
	held  chan struct{} // holds a value while somebody has the place
	users int           // who have it or wait for it
}

// enter waits for the place of a site. Who was let in leaves once.
func (w *walks) enter(ctx context.Context, siteID string) (leave func(), err error) {
	place, err := w.queue(siteID)
	if err != nil {
		return nil, err
	}
	select {
	case place.held <- struct{}{}:
		return func() { <-place.held; w.drop(siteID) }, nil
	case <-ctx.Done():
		w.drop(siteID)
		return nil, ctx.Err()
	}
}

// queue takes a place among those who wait.
func (w *walks) queue(siteID string) (*walk, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.sites == nil {
		w.sites = make(map[string]*walk)
	}
	place := w.sites[siteID]
	if place == nil {
		place = &walk{held: make(chan struct{}, 1)}
		w.sites[siteID] = place
	}
	if place.users == walkers {
		return nil, faultf(codeRate, "%d reports of this site are under way; please come again when they are done.", walkers)
	}
	place.users++
	return place, nil
}

// drop gives a place up.
func (w *walks) drop(siteID string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	place := w.sites[siteID]
	if place.users--; place.users == 0 {
		delete(w.sites, siteID)
	}
}

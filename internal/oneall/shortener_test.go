package oneall

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"herald.example/internal/link"
)

// shortener is a double of the shortener, with state and with its rules: slugs are
// never issued twice, lists hold no tombstones, batches have a bound. Its clock is
// start.
type shortener struct {
	mu        sync.Mutex // protects what follows
	all       []link.Link
	totals    map[link.Ref]link.Totals
	referrals map[link.Ref][]link.Referral
	down      bool
	counted   int // queries of totals
}

func newShortener() *shortener {
	return &shortener{totals: make(map[link.Ref]link.Totals), referrals: make(map[link.Ref][]link.Referral)}
}

var errDown = errors.New("connection refused")

// lock locks unless the shortener is down.
func (s *shortener) lock() error {
	s.mu.Lock()
	if s.down {
		s.mu.Unlock()
		return errDown
	}
	return nil
}

func (s *shortener) stop(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

func (s *shortener) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.all)
}

// queries is how often totals were asked for since the last time.
func (s *shortener) queries() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.counted
	s.counted = 0
	return n
}

// click counts referrals.
func (s *shortener) click(ref link.Ref, referrals ...link.Referral) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.totals[ref]
	for _, r := range referrals {
		t.Hits[link.Human]++
		t.LastReferral = r.Time
	}
	s.totals[ref] = t
	s.referrals[ref] = append(s.referrals[ref], referrals...)
}

func (s *shortener) find(ref link.Ref) *link.Link {
	if ref.Domain == "" {
		ref.Domain = "sho.example.com"
	}
	for i := range s.all {
		if s.all[i].Ref == ref {
			return &s.all[i]
		}
	}
	return nil
}

func (s *shortener) Bases(context.Context) (link.Bases, error) {
	if err := s.lock(); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	return link.Bases{{Domain: "sho.example.com", URL: "http://sho.example.com"}, {Domain: "go.acme.test", URL: "https://go.acme.test"}}, nil
}

func (s *shortener) Put(_ context.Context, drafts []link.Draft) ([]link.Link, error) {
	if err := s.lock(); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	links := make([]link.Link, len(drafts))
	for i, d := range drafts {
		if d.Domain == "" {
			d.Domain = "sho.example.com"
		}
		if d.Slug == "" {
			d.Slug = link.NewToken(link.DefaultToken)
		}
		if field, err := d.Check(); err != nil {
			return nil, &link.DraftError{Index: i, Field: field, Err: err}
		}
		if old := s.find(d.Ref); old != nil && (old.Target != d.Target || old.State == link.Deleted) {
			return nil, &link.DraftError{Index: i, Field: "slug", Err: link.ErrTaken}
		} else if old != nil {
			links[i] = *old
			continue
		}
		links[i] = link.Link{
			Ref: d.Ref, Number: uint64(len(s.all) + 1), Target: d.Target, State: link.Active, Site: d.Site, Publication: d.Publication, Method: d.Method, Created: start, Edited: start,
		}
		s.all = append(s.all, links[i])
	}
	return links, nil
}

func (s *shortener) Get(_ context.Context, ref link.Ref) (link.Link, error) {
	if err := s.lock(); err != nil {
		return link.Link{}, err
	}
	defer s.mu.Unlock()
	l := s.find(ref)
	if l == nil {
		return link.Link{}, fmt.Errorf("get %s: %w", ref, link.ErrNotFound)
	}
	if l.State == link.Deleted {
		return link.Link{}, fmt.Errorf("get %s: %w", ref, link.ErrDeleted)
	}
	return *l, nil
}

func (s *shortener) Delete(_ context.Context, ref link.Ref) error {
	if err := s.lock(); err != nil {
		return err
	}
	defer s.mu.Unlock()
	l := s.find(ref)
	if l == nil {
		return link.ErrNotFound
	}
	l.State, l.Target = link.Deleted, ""
	return nil
}

func (s *shortener) List(_ context.Context, q link.ListQuery) (link.Page, error) {
	if err := s.lock(); err != nil {
		return link.Page{}, err
	}
	defer s.mu.Unlock()
	if q.Limit < 1 || q.Limit > link.MaxPage || q.Skip < 0 {
		return link.Page{}, link.ErrQuery
	}
	var page link.Page
	var behind []link.Link
	for _, l := range s.all {
		if l.Site != q.Site || l.State == link.Deleted {
			continue
		}
		page.Total++
		if q.After == 0 || !q.Descending && l.Number > q.After || q.Descending && l.Number < q.After {
			behind = append(behind, l)
		}
	}
	if q.Descending {
		slices.Reverse(behind)
	}
	behind = behind[min(q.Skip, len(behind)):]
	page.Links = behind[:min(q.Limit, len(behind))]
	if len(behind) > len(page.Links) {
		page.Next = page.Links[len(page.Links)-1].Number
	}
	return page, nil
}

func (s *shortener) Totals(_ context.Context, refs []link.Ref) (link.TotalsAnswer, error) {
	if err := s.lock(); err != nil {
		return link.TotalsAnswer{}, err
	}
	defer s.mu.Unlock()
	s.counted++
	if len(refs) > link.MaxBatch {
		return link.TotalsAnswer{}, link.ErrQuery
	}
	var answer link.TotalsAnswer
	for _, ref := range refs {
		if s.find(ref) == nil {
			return link.TotalsAnswer{}, fmt.Errorf("read totals: %s: %w", ref, link.ErrNotFound)
		}
		answer.Totals = append(answer.Totals, s.totals[ref])
	}
	return answer, nil
}

func (s *shortener) Referrals(_ context.Context, q link.ReferralQuery) (link.ReferralAnswer, error) {
	if err := s.lock(); err != nil {
		return link.ReferralAnswer{}, err
	}
	defer s.mu.Unlock()
	if q.Limit < 1 || q.Limit > link.MaxPage || q.Skip < 0 {
		return link.ReferralAnswer{}, link.ErrQuery
	}
	all := slices.Clone(s.referrals[q.Ref])
	if q.Descending {
		slices.Reverse(all)
	}
	answer := link.ReferralAnswer{Total: uint64(len(all))}
	all = all[min(q.Skip, len(all)):]
	answer.Referrals = all[:min(q.Limit, len(all))]
	return answer, nil
}

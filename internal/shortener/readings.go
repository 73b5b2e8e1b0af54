package shortener

import (
	"context"
	"errors"
	"fmt"
	"time"

	"herald.example/internal/counter"
	"herald.example/internal/link"
)

// defaultReferrals is the Limit of a ReferralQuery that names none.
const defaultReferrals = 50

// numbers finds the numbers of links, deleted ones included: what was counted
// outlives a link.
func (s *Service) numbers(refs []link.Ref) ([]uint64, error) {
	if err := checkBatch(len(refs)); err != nil {
		return nil, err
	}
	numbers := make([]uint64, len(refs))
	for i, ref := range refs {
		ref, err := s.locate(ref)
		if err != nil {
			return nil, err
		}
		l, err := s.links.Get(ref)
		if err != nil && !errors.Is(err, link.ErrDeleted) {
			return nil, err
		}
		numbers[i] = l.Number
	}
	return numbers, nil
}

// Totals returns the totals of links, in the order asked.
func (s *Service) Totals(_ context.Context, refs []link.Ref) (link.TotalsAnswer, error) {
	numbers, err := s.numbers(refs)
	if err != nil {
		return link.TotalsAnswer{}, fmt.Errorf("read totals: %w", err)
	}
	position, totals, err := s.counter.Totals(numbers)
	if err != nil {
		return link.TotalsAnswer{}, fmt.Errorf("read totals: %w", err)
	}
	return link.TotalsAnswer{Position: position, Totals: totals}, nil
}

// Counts returns what was counted in a span of time.
func (s *Service) Counts(_ context.Context, query link.CountQuery) (link.CountAnswer, error) {
	query, err := s.checkCounts(query)
	if err != nil {
		return link.CountAnswer{}, fmt.Errorf("read counts: %w", err)
	}
	numbers, err := s.numbers(query.Links)
	if err != nil {
		return link.CountAnswer{}, fmt.Errorf("read counts: %w", err)
	}
	position, counts, err := s.counter.Counts(numbers, query.From, query.To, query.Step, query.By)
	if err != nil {
		return link.CountAnswer{}, fmt.Errorf("read counts: %w", err)
	}
	answer := link.CountAnswer{Position: position, Counts: make([]link.Count, len(counts))}
	for i, c := range counts {
		ref, err := s.locate(query.Links[c.Index])
		if err != nil {
			return link.CountAnswer{}, err
		}
		answer.Counts[i] = link.Count{Ref: ref, Start: c.Start, Value: c.Value, Hits: c.Hits}
	}
	return answer, nil
}

// checkCounts holds a query against its bounds and rounds its span to quarters.
func (s *Service) checkCounts(q link.CountQuery) (link.CountQuery, error) {
	if q.To.IsZero() {
		q.To = s.now()
	}
	switch {
	case len(q.Links) == 0:
		return q, fmt.Errorf("%w: no link is named", link.ErrQuery)
	case q.By >= link.NumDimensions:
		return q, fmt.Errorf("%w: no such dimension", link.ErrQuery)
	case q.Step < 0 || q.Step%link.Quarter != 0:
		return q, fmt.Errorf("%w: step %s; give a multiple of %s", link.ErrQuery, q.Step, link.Quarter)
	case q.From.Year() < 1970 || q.To.Year() > 9999:
		return q, fmt.Errorf("%w: from %s to %s; give years 1970 to 9999", link.ErrQuery, q.From.Format(time.RFC3339), q.To.Format(time.RFC3339))
	case !q.From.Before(q.To):
		return q, fmt.Errorf("%w: from %s is not before to %s", link.ErrQuery, q.From.Format(time.RFC3339), q.To.Format(time.RFC3339))
	}
	q.From = q.From.UTC().Truncate(link.Quarter)
	if to := q.To.UTC().Truncate(link.Quarter); to.Before(q.To) {
		q.To = to.Add(link.Quarter)
	} else {
		q.To = to
	}
	return q, nil
}

// Referrals returns referrals of one link in full.
func (s *Service) Referrals(_ context.Context, query link.ReferralQuery) (link.ReferralAnswer, error) {
	if query.Limit == 0 {
		query.Limit = defaultReferrals
	}
	if query.Skip < 0 || query.Limit < 1 || query.Limit > link.MaxPage {
		return link.ReferralAnswer{}, fmt.Errorf("read referrals of %s: %w: skip %d, limit %d; give 0 or more, and 1 to %d",
			query.Ref, link.ErrQuery, query.Skip, query.Limit, link.MaxPage)
	}
	numbers, err := s.numbers([]link.Ref{query.Ref})
	if err != nil {
		return link.ReferralAnswer{}, fmt.Errorf("read referrals: %w", err)
	}
	answer, err := s.counter.Referrals(numbers[0], query.Skip, query.Limit, query.Descending)
	if err != nil {
		return link.ReferralAnswer{}, fmt.Errorf("read referrals of %s: %w", query.Ref, err)
	}
	return answer, nil
}

// Verify recounts the ledger and compares with the stored totals. It calls
// progress, which may be nil, with hits done and in total.
func (s *Service) Verify(ctx context.Context, progress func(done, total uint64)) (counter.Report, error) {
	if progress == nil {
		progress = func(uint64, uint64) {}
	}
	report, err := s.counter.Verify(ctx, progress)
	if err != nil {
		return counter.Report{}, fmt.Errorf("verify: %w", err)
	}
	return report, nil
}

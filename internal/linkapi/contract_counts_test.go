package linkapi_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"herald.example/internal/link"
)

// checkTotals clicks, and reads totals.
func checkTotals(w world) {
	a, b := w.put(draft("counted-a", "https://example.com/")), w.put(draft("counted-b", "https://example.com/"))
	before := time.Now().Truncate(time.Second)
	for n := range uint64(3) {
		w.visit("GET", a.Ref, browser)
		w.visit("HEAD", a.Ref, browser)
		answer, err := w.Totals(w.Context(), []link.Ref{{Slug: "counted-b"}, a.Ref, a.Ref})
		if err != nil || len(answer.Totals) != 3 {
			w.Fatalf("got %+v, %v; want three totals", answer, err)
		}
		t := answer.Totals[1]
		if t.Referrals() != n+1 || t.Hits[link.Head] != n+1 || answer.Position < 2*(n+1) {
			w.Errorf("after %d clicks: got %+v at %d", n+1, t, answer.Position)
		}
		if t.LastReferral.Before(before) || t.LastReferral.Location() != time.UTC {
			w.Errorf("last referral: got %v; want now, in UTC", t.LastReferral)
		}
		if answer.Totals[2] != t || answer.Totals[0] != (link.Totals{}) {
			w.Errorf("got %+v; want the same link twice behind %s, which has no hits", answer.Totals, b.Ref)
		}
	}
	_, err := w.Totals(w.Context(), []link.Ref{a.Ref, {Slug: "uncounted"}})
	w.want("unknown link", err, link.ErrNotFound)
	if err == nil || !strings.Contains(err.Error(), "uncounted") {
		w.Errorf("unknown link: got %v; want it named", err)
	}
	_, err = w.Totals(w.Context(), make([]link.Ref, link.MaxBatch+1))
	w.want("too many", err, link.ErrQuery)
	if answer, err := w.Totals(w.Context(), nil); err != nil || len(answer.Totals) != 0 {
		w.Errorf("no links: got %+v, %v", answer, err)
	}
}

// checkSpans reads the counts of spans of time.
func checkSpans(w world) {
	l := w.put(draft("spanned", "https://example.com/"))
	w.visit("GET", l.Ref, browser)
	w.visit("GET", l.Ref, browser)
	w.visit("HEAD", l.Ref, browser)
	now := time.Now().UTC()
	query := link.CountQuery{Links: []link.Ref{{Slug: "spanned"}}, From: now.Add(-time.Hour), To: now.Add(time.Hour)}
	for _, c := range []struct {
		by   link.Dimension
		want map[string]uint64
	}{
		{link.ByNothing, map[string]uint64{"": 2}},
		{link.ByClass, map[string]uint64{"human": 2, "head": 1}},
		{link.ByReferrer, map[string]uint64{"social.example": 2}},
		{link.ByBrowser, map[string]uint64{"Firefox": 2}},
	} {
		query.By = c.by
		answer, err := w.Counts(w.Context(), query)
		if err != nil {
			w.Errorf("by %q: got error %v", c.by, err)
			continue
		}
		got := make(map[string]uint64)
		for _, n := range answer.Counts {
			got[n.Value] += n.Hits
			if n.Ref != l.Ref || !n.Start.Equal(query.From.Truncate(link.Quarter)) {
				w.Errorf("by %q: got %+v; want the span's only bucket of %s", c.by, n, l.Ref)
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			w.Errorf("by %q: %s", c.by, diff)
		}
	}
	for _, c := range []struct {
		name   string
		change func(q *link.CountQuery)
		want   error
	}{
		{"no links", func(q *link.CountQuery) { q.Links = nil }, link.ErrQuery},
		{"unknown link", func(q *link.CountQuery) { q.Links = []link.Ref{{Slug: "unspanned"}} }, link.ErrNotFound},
		{"step between quarters", func(q *link.CountQuery) { q.Step = 10 * time.Minute }, link.ErrQuery},
		{"negative step", func(q *link.CountQuery) { q.Step = -link.Quarter }, link.ErrQuery},
		{"end before start", func(q *link.CountQuery) { q.To = q.From.Add(-time.Hour) }, link.ErrQuery},
		{"no start", func(q *link.CountQuery) { q.From = time.Time{} }, link.ErrQuery},
		{"no such dimension", func(q *link.CountQuery) { q.By = link.NumDimensions }, link.ErrQuery},
	} {
		bad := query
		c.change(&bad)
		_, err := w.Counts(w.Context(), bad)
		w.want(c.name, err, c.want)
	}
	open := link.CountQuery{Links: query.Links, From: now.Add(-time.Hour), Step: link.Quarter}
	answer, err := w.Counts(w.Context(), open)
	if err != nil || len(answer.Counts) == 0 || answer.Position == 0 {
		w.Errorf("until now by quarter: got %+v, %v; want counts", answer, err)
	}
}

// checkReferrals reads where clicks came from.
func checkReferrals(w world) {
	l := w.put(draft("referred", "https://example.com/"))
	for i := range 3 {
		header := browser.Clone()
		header.Set("Referer", fmt.Sprintf("https://social.example/post/%d", i))
		w.visit("GET", l.Ref, header)
	}
	w.visit("HEAD", l.Ref, browser)
	answer, err := w.Referrals(w.Context(), link.ReferralQuery{Ref: l.Ref, Skip: 1, Limit: 1})
	if err != nil || answer.Total != 3 || len(answer.Referrals) != 1 || answer.Position == 0 {
		w.Fatalf("got %+v, %v; want one referral of three", answer, err)
	}
	r := answer.Referrals[0]
	if r.Page != "https://social.example/post/1" || r.Agent != browser.Get("User-Agent") || r.Time.Location() != time.UTC || time.Since(r.Time) > time.Minute {
		w.Errorf("got %+v; want the second referral", r)
	}
	if got := r.Addr.String(); got != "127.0.0.0" {
		w.Errorf("address: got %s; want 127.0.0.0, truncated", got)
	}
	last, err := w.Referrals(w.Context(), link.ReferralQuery{Ref: l.Ref, Limit: 1, Descending: true})
	if err != nil || len(last.Referrals) != 1 || last.Referrals[0].Page != "https://social.example/post/2" {
		w.Errorf("newest first: got %+v, %v; want the last", last, err)
	}
	for _, bad := range []link.ReferralQuery{{Ref: l.Ref, Skip: -1}, {Ref: l.Ref, Limit: -1}, {Ref: l.Ref, Limit: link.MaxPage + 1}} {
		_, err := w.Referrals(w.Context(), bad)
		w.want(fmt.Sprintf("%+v", bad), err, link.ErrQuery)
	}
}

// checkVerify counts everything anew.
func checkVerify(w world) {
	l := w.put(draft("verified", "https://example.com/"))
	w.visit("GET", l.Ref, browser)
	var last, total uint64
	report, err := w.Verify(w.Context(), func(done, of uint64) { last, total = done, of })
	if err != nil || report.Different != 0 || report.To == 0 || !report.Exact {
		w.Errorf("got %+v, %v; want an exact report without differences", report, err)
	}
	if last != total || total == 0 {
		w.Errorf("progress: got %d of %d; want all", last, total)
	}
	if _, err := w.Verify(w.Context(), nil); err != nil {
		w.Errorf("without progress: got %v", err)
	}
}

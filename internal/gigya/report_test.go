package gigya

import (
	"context"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"herald.example/internal/link"
	"herald.example/internal/site"
)

// may is a day in May 2024.
func may(d int) time.Time { return time.Date(2024, time.May, d, 12, 0, 0, 0, time.UTC) }

// counted fills the store with what reports are made of.
func (h *house) counted() {
	h.Helper()
	events := []site.Event{
		{Measure: site.StreamPosts, At: may(1), CID: "home page", Provider: "twitter", Times: 3},
		{Measure: site.StreamPosts, At: may(1), CID: "home page", Provider: "facebook", Times: 4},
		{Measure: site.StreamPosts, At: may(2), CID: "a, \"b\"", Provider: "twitter", Times: 5},
		{Measure: site.StatusUpdates, At: may(2), Provider: "twitter", Times: 6},
		{Measure: site.NewUsers, At: may(2), Provider: "twitter", Times: 7},
		{Measure: site.NewSiteUsers, At: may(3), CID: "home page", Times: 8},
		{Measure: site.NewConnections, At: may(3), CID: "home page", Provider: "linkedin", Times: 9},
		{Measure: site.Logins, At: may(3), Provider: "linkedin", Times: 10},
		{Measure: site.SiteLogins, At: may(3), Times: 11},
		{Measure: site.Actions, At: may(3), CID: "home page", Times: 12},
		{Measure: site.StreamPosts, At: may(9), CID: "home page", Provider: "twitter", Times: 100},
	}
	if err := h.store.Count(context.Background(), h.site().ID, events...); err != nil {
		h.Fatal(err)
	}
}

// reportCall is a call for the first three days of May.
func (h *house) reportCall(pairs ...string) *request {
	r := h.call("reports.getSocializeStats", append([]string{"startDate", "2024-05-01", "endDate", "2024-05-03"}, pairs...)...).drop("UID")
	r.host = "reports.us1.gigya.com"
	return r
}

// TestReportReplies holds requests and replies against golden files.
func TestReportReplies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.counted()
		for _, test := range []struct {
			name string
			r    *request
		}{
			{"report", h.reportCall("dimensions", "date,cid,provider", "measures", "streamPosts,referrals")},
			{"report_json", h.reportCall("dimensions", "date,cid,provider", "measures", "streamPosts,referrals", "dataFormat", "json")},
			{"report_xml", h.reportCall("dimensions", "provider", "measures", "streamPosts", "dataFormat", "json", "format", "xml")},
			{"report_jsonp", h.reportCall("dimensions", "cid", "measures", "streamPosts", "format", "jsonp", "callback", "cb_1")},
			{"report_sums", h.reportCall("dataFormat", "json")},
			{"report_nothing", h.reportCall("dimensions", "date", "cid", "nowhere")},
			{"report_missing", h.reportCall().drop("endDate")},
			{"report_age", h.reportCall("dimensions", "date,ageGroup")},
		} {
			h.golden(test.name, test.r)
		}
	})
}

func TestReports(t *testing.T) {
	h := newHouse(t)
	h.counted()
	all := "streamPosts statusUpdates referrals newUsers newSiteUsers newConnections logins siteLogins"
	tests := []struct {
		name    string
		pairs   []string
		headers string
		data    string // lines, with blanks between
	}{
		{"sums of all that is counted", nil, all, "12 6 0 7 8 9 10 11"},
		{"by date", []string{"dimensions", "date", "measures", "streamPosts"}, "date streamPosts", "2024-05-01 7\n2024-05-02 5"},
		{"in another case, twice and as a list of Python's", []string{"dimensions", `["DATE", "date"]`, "measures", "STREAMPOSTS,streamPosts"}, "date streamPosts", "2024-05-01 7\n2024-05-02 5"},
		{"in another order", []string{"dimensions", "provider,date", "measures", "statusUpdates,streamPosts"}, "provider date statusUpdates streamPosts",
			"facebook 2024-05-01 0 4\ntwitter 2024-05-01 0 3\ntwitter 2024-05-02 6 5"},
		{"of one provider", []string{"dimensions", "provider", "measures", "streamPosts", "providers", "Twitter"}, "provider streamPosts", "twitter 8"},
		{"of all providers", []string{"dimensions", "provider", "measures", "streamPosts", "providers", "*"}, "provider streamPosts", "facebook 4\ntwitter 8"},
		{"of one cid", []string{"measures", "streamPosts,newSiteUsers", "cid", "home page"}, "streamPosts newSiteUsers", "7 8"},
		{"of one day", []string{"startDate", "2024-05-02", "endDate", "2024-05-02", "measures", "streamPosts"}, "streamPosts", "5"},
		{"actions when they are named", []string{"measures", "actions"}, "actions", "12"},
		{"measures that nothing is counted for", []string{"measures", "notifications,postBookmarks,emailRecipients,socializePV,logins"},
			"notifications postBookmarks emailRecipients socializePV logins", "0 0 0 0 10"},
		{"nothing", []string{"dimensions", "date", "startDate", "2020-02-29", "endDate", "2020-02-29"}, "date " + all, ""},
		{"sums of nothing", []string{"measures", "logins", "startDate", "2020-02-29", "endDate", "2020-02-29"}, "logins", "0"},
		{"the longest span", []string{"measures", "streamPosts", "startDate", "2024-01-01", "endDate", "2025-02-03"}, "streamPosts", "112"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := h.do(h.reportCall(append(test.pairs, "dataFormat", "JSON")...)).want(codeOK, "")
			headers, lines := []string{}, []string{}
			for _, name := range a.doc["headers"].([]any) {
				headers = append(headers, name.(string))
			}
			data, _ := a.doc["data"].([]any)
			for _, row := range data {
				lines = append(lines, strings.Trim(fmt.Sprint(row), "[]"))
			}
			if got := strings.Join(headers, " "); got != test.headers {
				t.Errorf("got headers %s; want %s", got, test.headers)
			}
			if diff := cmp.Diff(test.data, strings.Join(lines, "\n")); diff != "" {
				t.Errorf("data (-want +got):\n%s", diff)
			}
		})
	}
}

// TestReportCSV reads texts with commas and quotes back.
func TestReportCSV(t *testing.T) {
	h := newHouse(t)
	h.counted()
	a := h.do(h.reportCall("dimensions", "cid", "measures", "streamPosts")).want(codeOK, "")
	got, err := csv.NewReader(strings.NewReader(a.doc["data"].(string))).ReadAll()
	want := [][]string{{`a, "b"`, "5"}, {"home page", "7"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("got %v; records (-want +got):\n%s", err, diff)
	}
}

func TestReportRefusals(t *testing.T) {
	h := newHouse(t)
	tests := []struct {
		name    string
		pairs   []string
		code    code
		details string
	}{
		{"no start", []string{"startDate", ""}, codeMissing, "startDate"},
		{"no end", []string{"endDate", ""}, codeMissing, "endDate"},
		{"no date", []string{"startDate", "yesterday"}, codeValue, "startDate"},
		{"no such day", []string{"startDate", "2024-02-30"}, codeValue, "startDate"},
		{"a time", []string{"endDate", "2024-05-03T00:00:00Z"}, codeValue, "endDate"},
		{"before all days", []string{"startDate", "1969-12-31"}, codeValue, "startDate"},
		{"after all days", []string{"startDate", "9999-01-01", "endDate", "9999-01-01"}, codeValue, "startDate"},
		{"backwards", []string{"startDate", "2024-05-04"}, codeValue, "endDate"},
		{"too long", []string{"startDate", "2024-01-01", "endDate", "2025-02-04"}, codeValue, "400"},
		{"gender", []string{"dimensions", "gender"}, codeValue, "not kept"},
		{"unknown dimension", []string{"dimensions", "weather"}, codeValue, "weather"},
		{"unknown measure", []string{"measures", "smiles"}, codeValue, "there is no smiles; there are streamPosts, statusUpdates, referrals, newUsers, newSiteUsers, newConnections, logins, siteLogins and actions"},
		{"unknown format of data", []string{"dataFormat", "xlsx"}, codeValue, "dataFormat"},
		{"many measures", []string{"measures", strings.Repeat("logins,", maxEntries+1)}, codeValue, "entries"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h.do(h.reportCall(test.pairs...)).want(test.code, test.details)
		})
	}
	h.connect("user-42", "facebook")
	bound := h.reportCall().authorize("Bearer " + h.token(clientCall().set("x_siteUID", "user-42")))
	bound.secure = true
	h.do(bound).want(codeDenied, "")
}

// channel is links that a double of the store has noted.
type channel struct {
	cid, provider string
	refs          []link.Ref
}

// noted is a Reports with links alone.
type noted struct {
	Reports
	channels []channel
	enter    chan struct{} // receives a value for each walk that begins; nil: it is not told
	leave    chan struct{} // a walk waits for a value; nil: it does not
}

func (n *noted) SharedLinks(ctx context.Context, _ string, q site.ReportQuery, do func(cid, provider string, refs []link.Ref) error) error {
	if n.enter != nil {
		n.enter <- struct{}{}
		select {
		case <-n.leave:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for _, c := range n.channels {
		if q.CIDs != nil && !slices.Contains(q.CIDs, c.cid) || q.Providers != nil && !slices.Contains(q.Providers, c.provider) {
			continue
		}
		if err := do(c.cid, c.provider, c.refs); err != nil {
			return err
		}
	}
	return nil
}

// clicks is a shortener that knows some links, and refuses a batch in which it does not
// know one. A link has as many referrals a day as its slug is long.
type clicks struct {
	Links
	known map[string]bool // slugs
	asked []int           // links in each call
}

func (c *clicks) Counts(_ context.Context, q link.CountQuery) (a link.CountAnswer, err error) {
	c.asked = append(c.asked, len(q.Links))
	for _, ref := range q.Links {
		if !c.known[ref.Slug] {
			return a, fmt.Errorf("%s: %w", ref, link.ErrNotFound)
		}
		step := q.Step
		if step == 0 {
			step = q.To.Sub(q.From)
		}
		for at := q.From; at.Before(q.To); at = at.Add(step) {
			a.Counts = append(a.Counts, link.Count{Ref: ref, Start: at, Hits: uint64(len(ref.Slug)) * uint64(step/day)})
		}
	}
	return a, nil
}

// refs are links by their slugs.
func refs(slugs ...string) (refs []link.Ref) {
	for _, slug := range slugs {
		refs = append(refs, link.Ref{Domain: shortDomain, Slug: slug})
	}
	return refs
}

func TestReferrals(t *testing.T) {
	h := newHouse(t)
	h.handler.o.Reports = &noted{Reports: h.store, channels: []channel{
		{"home page", "twitter", refs("a", "bb")}, {"home page", "", refs("cccc")}, {"", "twitter", refs("lost", "dd")}, {"", "facebook", refs("lost")},
	}}
	h.handler.o.Links = &clicks{known: map[string]bool{"a": true, "bb": true, "cccc": true, "dd": true}}
	f := func(want string, pairs ...string) {
		t.Helper()
		a := h.do(h.reportCall(append(pairs, "measures", "referrals")...)).want(codeOK, "")
		if got, _ := a.doc["data"].(string); got != want {
			t.Errorf("%q: got %q; want %q", pairs, got, want)
		}
	}
	f("27\n")
	f("2024-05-01,9\n2024-05-02,9\n2024-05-03,9\n", "dimensions", "date")
	f(",6\nhome page,21\n", "dimensions", "cid")
	f(",12\ntwitter,15\n", "dimensions", "provider")
	f("twitter,2024-05-02,5\n", "dimensions", "provider,date", "startDate", "2024-05-02", "endDate", "2024-05-02", "providers", "twitter")
	f("7\n", "startDate", "2024-05-02", "endDate", "2024-05-02", "cid", "home page")
}

// TestReferralsAreReadInPieces asks for no more counts at a time than are to be in
// memory.
func TestReferralsAreReadInPieces(t *testing.T) {
	h := newHouse(t)
	links := refs(slices.Repeat([]string{"a"}, 700)...)
	h.handler.o.Reports = &noted{Reports: h.store, channels: []channel{{"", "twitter", links}}}
	c := &clicks{known: map[string]bool{"a": true}}
	h.handler.o.Links = c
	span := []string{"startDate", "2024-01-01", "endDate", "2025-02-03", "measures", "referrals"}
	a := h.do(h.reportCall(append(span, "dimensions", "provider,date")...)).want(codeOK, "")
	if lines := strings.Count(a.doc["data"].(string), "twitter,"); lines != maxReportDays {
		t.Errorf("got %d lines; want %d", lines, maxReportDays)
	}
	if want := []int{250, 250, 200}; !slices.Equal(c.asked, want) {
		t.Errorf("got calls for %d links; want %d", c.asked, want)
	}
	c.asked = nil
	if got := h.do(h.reportCall(span...)).want(codeOK, "").doc["data"]; got != "280000\n" || len(c.asked) != 1 {
		t.Errorf("got %q in %d calls; want 280000 in one", got, len(c.asked))
	}
}

// TestReportRows refuses a report that is too large.
func TestReportRows(t *testing.T) {
	r := report{query: reportQuery{dimensions: []dimension{byCID}, measures: measures[:1]}, rows: make(map[rowKey][]uint64)}
	for i := range maxReportRows {
		if err := r.add(may(1), fmt.Sprint(i), "", 0, 1); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.add(may(1), "7", "", 0, 1); err != nil || r.rows[rowKey{cid: "7"}][0] != 2 {
		t.Errorf("a row that is there: got %v; want it summed up", err)
	}
	if err := r.add(may(1), "one more", "", 0, 1); err == nil {
		t.Error("got no error; want a refusal")
	}
}

// TestReportsWait lets the reports of a site be made one after the other, and others
// beside it.
func TestReportsWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w walks
		ctx, cancel := context.WithCancel(t.Context())
		leave, err := w.enter(ctx, "one")
		if err != nil {
			t.Fatal(err)
		}
		other, err := w.enter(ctx, "two")
		if err != nil {
			t.Fatalf("another site: got %v; want a place", err)
		}
		other()
		entered := make(chan error, walkers)
		for range walkers - 1 {
			go func() {
				leave, err := w.enter(ctx, "one")
				if err == nil {
					leave()
				}
				entered <- err
			}()
		}
		synctest.Wait()
		if len(entered) > 0 {
			t.Fatal("got a second place at a time; want one")
		}
		if _, err := w.enter(ctx, "one"); err == nil {
			t.Error("got a place in the queue; want a refusal")
		} else if f, _ := refusal(err); f.code != codeRate {
			t.Errorf("got %v; want %d", err, codeRate)
		}
		leave()
		synctest.Wait()
		if len(entered) != walkers-1 {
			t.Errorf("got %d that entered; want %d", len(entered), walkers-1)
		}
		for range walkers - 1 {
			if err := <-entered; err != nil {
				t.Error(err)
			}
		}
		leave, err = w.enter(ctx, "one")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			_, err := w.enter(ctx, "one")
			entered <- err
		}()
		synctest.Wait()
		cancel()
		if err := <-entered; err == nil {
			t.Error("a caller who went away: got a place; want an error")
		}
		leave()
		if len(w.sites) != 0 {
			t.Errorf("got %d sites in memory; want none", len(w.sites))
		}
	})
}

// TestReportEnds gives up a report that takes too long, and lets the next one in.
func TestReportEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		n := &noted{Reports: h.store, enter: make(chan struct{}, 1), leave: make(chan struct{})}
		h.handler.o.Reports = n
		h.do(h.reportCall()).want(codeTimeout, "")
		<-n.enter
		n.enter = nil
		h.do(h.reportCall()).want(codeOK, "")
	})
}

// TestReportsOfShares follows the short URLs of shares and of the site, and finds what
// was published and who came.
func TestReportsOfShares(t *testing.T) {
	h := newHouse(t)
	h.connect("user-42", "facebook", "twitter")
	outer := h.TB
	t.Run("visits", func(t *testing.T) {
		h.TB = t // the shortener has counted all when it ends
		defer func() { h.TB = outer }()
		follow := h.visitors()
		h.do(h.call("socialize.setStatus", "status", "See https://www.example.com/a", "cid", "home page")).want(codeOK, "")
		for _, p := range h.wantPosts(2) {
			follow(shortURL.FindString(p.Text))
		}
		short := h.do(h.call("socialize.shortenURL", "url", "https://www.example.com/b", "cid", "footer")).want(codeOK, "").doc["shortURL"].(string)
		follow(short)
		follow(short)
		never := h.do(h.call("socialize.setStatus", "status", "See https://www.example.com/c", "shortURLs", "never")).want(codeOK, "")
		if strings.Contains(never.Body.String(), shortDomain) {
			t.Errorf("got %s; want no short URL", never.Body)
		}
	})
	// What happened is of today, whatever the clock of the house says.
	now := time.Now().UTC()
	span := []string{"startDate", now.AddDate(0, 0, -1).Format(dayLayout), "endDate", now.AddDate(0, 0, 1).Format(dayLayout)}
	f := func(want string, pairs ...string) {
		t.Helper()
		a := h.do(h.reportCall(append(span, pairs...)...)).want(codeOK, "")
		if got, _ := a.doc["data"].(string); got != want {
			t.Errorf("%q: got %q; want %q", pairs, got, want)
		}
	}
	f("footer,,2\nhome page,facebook,1\nhome page,twitter,1\n", "dimensions", "cid,provider", "measures", "referrals")
	f("facebook,2\ntwitter,2\n", "dimensions", "provider", "measures", "statusUpdates")
	f("1\n", "measures", "referrals", "cid", "home page", "providers", "twitter")
}

package oneall

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"herald.example/internal/link"
	"herald.example/internal/site"
)

// referral is the nth click, n minutes after start.
func referral(n int) link.Referral {
	return link.Referral{
		Time: start.Add(time.Duration(n) * time.Minute), Page: fmt.Sprintf("http://referrer.example.org/%d", n), Addr: netip.MustParseAddr("192.0.2.17"), Agent: "Mozilla/5.0",
	}
}

// shorten makes a short URL and returns its token.
func (w *world) shorten(target string) string {
	w.Helper()
	return w.do("POST", "/shorturls.json", fmt.Sprintf(`{"request":{"shorturl":{"original_url":%q}}}`, target)).want(200).text("shorturl.shorturl_token")
}

func TestCreateShorturl(t *testing.T) {
	w := newWorld(t)
	for _, target := range []string{"http://www.example.com", "http://www.example.com/page?a=b&c=%7E#x", "https://bücher.example/ä"} {
		got := w.do("POST", "/shorturls.json", fmt.Sprintf(`{"request":{"shorturl":{"original_url":%q}}}`, target)).want(200)
		if got.text("shorturl.original_url") != target || got.at("result.data.shorturl.num_referrals") != 0.0 || got.at("result.data.shorturl.date_last_referral") != nil ||
			got.text("shorturl.short_url") != "http://sho.example.com/"+got.text("shorturl.shorturl_token") || got.text("shorturl.date_creation") != "Tue, 04 Mar 2025 10:15:30 +0000" {
			t.Errorf("got %s", got.raw)
		}
	}
	if first, second := w.shorten("http://www.example.com"), w.shorten("http://www.example.com"); first == second {
		t.Error("got one token for two short URLs")
	}
	l, err := w.links.Get(t.Context(), refAt(w.shorten("http://www.example.com")))
	if err != nil || l.Site != w.site.ID || l.Publication != "" {
		t.Errorf("got %+v, error %v; want a link of the site and of no publication", l, err)
	}
	if l.Method != link.Found {
		t.Errorf("got method %s; want %s where the site says nothing", l.Method, link.Found)
	}
	if _, err := w.directory.EditSite(t.Context(), w.site.ID, func(s *site.Site) error { s.Redirect = link.Script; return nil }); err != nil {
		t.Fatal(err)
	}
	if l, err := w.links.Get(t.Context(), refAt(w.shorten("http://www.example.com"))); err != nil || l.Method != link.Script {
		t.Errorf("got %+v, error %v; want method %s, as the site has it", l, err, link.Script)
	}
	before := w.links.count()
	for body, words := range map[string]string{
		`{"request":{"shorturl":{}}}`: "request.shorturl.original_url is missing",
		`{"request":{}}`:              "request.shorturl.original_url is missing",
		`{"request":{"shorturl":{"original_url":"www.example.com"}}}`:              "request.shorturl.original_url is no http or https URL",
		`{"request":{"shorturl":{"original_url":"ftp://www.example.com/"}}}`:       "request.shorturl.original_url",
		`{"request":{"shorturl":{"original_url":"javascript:alert(1)"}}}`:          "request.shorturl.original_url",
		`{"request":{"shorturl":{"original_url":"http://a b/"}}}`:                  "request.shorturl.original_url",
		`{"request":{"shorturl":{"original_url":"http://me:secret@example.com"}}}`: "request.shorturl.original_url",
		`{"request":{"shorturl":{"original_url":17}}}`:                             "request.shorturl.original_url must be text, not number",
	} {
		w.do("POST", "/shorturls.json", body).want(400, words)
	}
	if n := w.links.count(); n != before {
		t.Errorf("got %d links by requests that were refused", n-before)
	}
	w.links.stop(true)
	w.do("POST", "/shorturls.json", `{"request":{"shorturl":{"original_url":"http://www.example.com/"}}}`).want(503, "Short URLs are not available")
}

func TestListShorturls(t *testing.T) {
	w := newWorld(t)
	var tokens []string
	for i := range 7 {
		tokens = append(tokens, w.shorten(fmt.Sprintf("http://www.example.com/%d", i)))
	}
	w.do("DELETE", "/shorturls/"+tokens[3]+".json?confirm_deletion=true", "").want(200)
	w.links.click(refAt(tokens[6]), referral(1))
	got := w.do("GET", "/shorturls.json?page=1&entries_per_page=4", "").want(200)
	if got.text("shorturls.entries.0.shorturl_token") != tokens[6] || got.at("result.data.shorturls.entries.0.num_referrals") != 1.0 ||
		got.at("result.data.shorturls.entries.1.date_last_referral") != nil || got.at("result.data.shorturls.pagination.total_entries") != 6.0 {
		t.Errorf("got %s", got.raw)
	}
	after := got.text("shorturls.pagination.next_after")
	got = w.do("GET", "/shorturls.json?page=2&entries_per_page=4&after="+after, "").want(200)
	if got.at("result.data.shorturls.count") != 2.0 || got.text("shorturls.entries.0.shorturl_token") != tokens[1] || got.at("result.data.shorturls.pagination.current_page") != 2.0 ||
		got.at("result.data.shorturls.pagination.next_after") != nil {
		t.Errorf("got %s", got.raw)
	}
	paged := w.do("GET", "/shorturls.json?page=2&entries_per_page=4", "").want(200)
	if paged.text("shorturls.entries.0.shorturl_token") != tokens[1] {
		t.Errorf("got %s; want the same page as by cursor", paged.raw)
	}
	if got := w.do("GET", "/shorturls.json?order_direction=asc", "").want(200); got.text("shorturls.entries.0.shorturl_token") != tokens[0] {
		t.Errorf("got %s", got.raw)
	}
	for _, bad := range []string{"0", "-1", "!", "zzzzzzzzzzzzzzzzzzzz"} {
		w.do("GET", "/shorturls.json?after="+bad, "").want(400, "after")
	}
}

func TestReadShorturl(t *testing.T) {
	w := newWorld(t)
	token := w.shorten("http://www.example.com/")
	path := "/shorturls/" + token + ".json"
	got := w.do("GET", path, "").want(200)
	if got.at("result.data.shorturl.referrals.count") != 0.0 || got.at("result.data.shorturl.referrals.pagination.total_pages") != 1.0 {
		t.Errorf("got %s", got.raw)
	}
	for n := range 120 {
		w.links.click(refAt(token), referral(n))
	}
	tests := []struct {
		query       string
		first, last int
		count       int
		page, pages int
		size        int
	}{
		{"", 70, 119, 50, 1, 3, 50}, // the newest, the oldest of these first
		{"?order_direction=asc", 70, 119, 50, 1, 3, 50},
		{"?order_direction=desc", 119, 70, 50, 1, 3, 50},
		{"?page=1", 0, 49, 50, 1, 3, 50},
		{"?page=3", 100, 119, 20, 3, 3, 50},
		{"?page=2&entries_per_page=100", 100, 119, 20, 2, 2, 100},
		{"?entries_per_page=500", 0, 119, 120, 1, 1, 500},
		{"?page=1&order_direction=desc", 119, 70, 50, 1, 3, 50},
		{"?page=9", -1, -1, 0, 9, 3, 50},
		{"?page=x&entries_per_page=501", 0, 49, 50, 1, 3, 50},
	}
	for _, test := range tests {
		got := w.do("GET", path+test.query, "").want(200)
		entries := got.list("shorturl.referrals.entries")
		p := "result.data.shorturl.referrals.pagination."
		if len(entries) != test.count || got.at("result.data.shorturl.referrals.count") != float64(test.count) || got.at(p+"current_page") != float64(test.page) ||
			got.at(p+"total_pages") != float64(test.pages) || got.at(p+"entries_per_page") != float64(test.size) || got.at(p+"total_entries") != 120.0 {
			t.Errorf("%q: got %d entries and %v", test.query, len(entries), got.at("result.data.shorturl.referrals.pagination"))
			continue
		}
		if test.count > 0 && (at(entries[0], "page") != referral(test.first).Page || at(entries[test.count-1], "page") != referral(test.last).Page) {
			t.Errorf("%q: got clicks %v to %v; want %d to %d", test.query, at(entries[0], "page"), at(entries[test.count-1], "page"), test.first, test.last)
		}
	}
	entry := w.do("GET", path, "").list("shorturl.referrals.entries")[0]
	if at(entry, "ip_address") != "192.0.2.17" || at(entry, "user_agent") != "Mozilla/5.0" || at(entry, "date_creation") != "Tue, 04 Mar 2025 11:25:30 +0000" {
		t.Errorf("got %v", entry)
	}
}

func TestDeleteShorturl(t *testing.T) {
	w := newWorld(t)
	path := "/shorturls/" + w.shorten("http://www.example.com/") + ".json"
	w.do("DELETE", path, "").want(400, "confirm_deletion=true")
	w.do("GET", path, "").want(200)
	if got := w.do("DELETE", path+"?confirm_deletion=true", "").want(200, "deleted"); got.at("result") != nil {
		t.Errorf("got %s; want no result", got.raw)
	}
	for _, method := range []string{"GET", "DELETE"} {
		w.do(method, path+"?confirm_deletion=true", "").want(404, "No shorturl found for this shorturl_token.")
	}
	for _, token := range []string{"nothere", "a.b", "admin", "%00", "a%2Fb", "ä"} {
		w.do("GET", "/shorturls/"+token+".json", "").want(404)
	}
}

// TestShorturlDomains finds the links of a site that was given a domain of its own
// later.
func TestShorturlDomains(t *testing.T) {
	w := newWorld(t)
	old := w.shorten("http://www.example.com/old")
	var err error
	if w.site, err = w.directory.EditSite(t.Context(), w.site.ID, func(s *site.Site) error { s.Domain = "go.acme.test"; return nil }); err != nil {
		t.Fatal(err)
	}
	fresh := w.shorten("http://www.example.com/new")
	for token, url := range map[string]string{old: "http://sho.example.com/" + old, fresh: "https://go.acme.test/" + fresh} {
		if got := w.do("GET", "/shorturls/"+token+".json", "").want(200); got.text("shorturl.short_url") != url {
			t.Errorf("got %s; want %s", got.text("shorturl.short_url"), url)
		}
	}
}

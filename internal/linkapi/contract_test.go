package linkapi_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"herald.example/internal/control"
	"herald.example/internal/link"
	"herald.example/internal/linkapi"
	"herald.example/internal/shortener"
)

const token = "0123456789abcdef0123456789abcdef"

// world is a running shortener, the implementation under test in front of it,
// and a visitor.
type world struct {
	*testing.T
	linkapi.Service
	visitors string // host:port of the redirect
}

// second is a domain beside the default one, 127.0.0.1.
const second = "go.example.com"

// TestContract holds the in-process service and the client to one contract.
func TestContract(t *testing.T) {
	overWire := func(addr func(t *testing.T) string) func(*testing.T, *shortener.Service) linkapi.Service {
		return func(t *testing.T, svc *shortener.Service) linkapi.Service {
			ln, err := control.Listen(addr(t), false)
			if err != nil {
				t.Fatal(err)
			}
			serveControl(t, ln, svc)
			where := ln.Addr().String()
			if ln.Addr().Network() == "unix" {
				where = "unix:" + where
			}
			client, err := linkapi.NewClient(where, token)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(client.Close)
			return client
		}
	}
	for _, implementation := range []struct {
		name string
		make func(*testing.T, *shortener.Service) linkapi.Service
	}{
		{"in process", func(_ *testing.T, svc *shortener.Service) linkapi.Service { return svc }},
		{"client over TCP", overWire(func(*testing.T) string { return "127.0.0.1:0" })},
		{"client over a socket", overWire(func(t *testing.T) string { return "unix:" + filepath.Join(t.TempDir(), "s") })},
	} {
		t.Run(implementation.name, func(t *testing.T) {
			svc, visitors := startService(t)
			impl := implementation.make(t, svc)
			for _, c := range contract {
				t.Run(c.name, func(t *testing.T) { c.check(world{t, impl, visitors}) })
			}
		})
	}
}

// startService runs a shortener until the test ends.
func startService(t *testing.T) (svc *shortener.Service, visitors string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	bases, err := link.ParseBases([]string{"http://" + ln.Addr().String(), "https://" + second})
	if err != nil {
		t.Fatal(err)
	}
	svc, err = shortener.Open(shortener.Settings{Data: t.TempDir(), Bases: bases, DrainTimeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- svc.Run(ctx, ln) }()
	t.Cleanup(func() {
		stop()
		if err := errors.Join(<-done, svc.Close()); err != nil {
			t.Errorf("stop: got %v; want nil", err)
		}
	})
	return svc, ln.Addr().String()
}

// serveControl serves the control interface of svc until the test ends.
func serveControl(t *testing.T, ln net.Listener, svc *shortener.Service) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	handler := linkapi.NewHandler(svc, svc, token, slog.New(slog.DiscardHandler))
	go func() { done <- control.Serve(ctx, ln, handler, 5*time.Second, slog.New(slog.DiscardHandler)) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("stop control: got %v; want nil", err)
		}
	})
}

// put puts one link and wants it to succeed.
func (w world) put(d link.Draft) link.Link {
	w.Helper()
	links, err := w.Put(w.Context(), []link.Draft{d})
	if err != nil || len(links) != 1 {
		w.Fatalf("put %+v: got %v, %v; want one link", d, links, err)
	}
	return links[0]
}

// draft is a draft on the default domain.
func draft(slug, target string) link.Draft {
	return link.Draft{Ref: link.Ref{Slug: slug}, Target: target}
}

// visit asks the redirect for a link and returns status and Location.
func (w world) visit(method string, ref link.Ref, header http.Header) (status int, location string) {
	w.Helper()
	r, err := http.NewRequestWithContext(w.Context(), method, "http://"+w.visitors+"/"+ref.Slug, nil)
	if err != nil {
		w.Fatal(err)
	}
	for name, values := range header {
		r.Header[name] = values
	}
	r.Host = ref.Domain
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		w.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode, response.Header.Get("Location")
}

var browser = http.Header{
	"User-Agent": {"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"},
	"Referer":    {"https://social.example/post/1"},
}

// want fails unless err is one that errors.Is finds target in.
func (w world) want(what string, err, target error) {
	w.Helper()
	if !errors.Is(err, target) {
		w.Errorf("%s: got error %v; want %v", what, err, target)
	}
	if err != nil && strings.ContainsAny(err.Error(), "\r\n") {
		w.Errorf("%s: got error of several lines %q; want one", what, err)
	}
}

// contract is what every implementation of linkapi.Service keeps. Cases share a
// shortener, so each has slugs and sites of its own.
var contract = []struct {
	name  string
	check func(w world)
}{
	{"put fills in what is left out", func(w world) {
		before := time.Now().Add(-time.Second)
		l := w.put(draft("", "https://example.com/a?b=c&d=<e>#f"))
		if len(l.Slug) != link.DefaultToken || l.Domain != "127.0.0.1" || l.State != link.Active || l.Number == 0 {
			w.Errorf("got %+v; want an active link with a token on the default domain", l)
		}
		if l.Created.Before(before) || !l.Edited.Equal(l.Created) {
			w.Errorf("got created %v, edited %v; want both now", l.Created, l.Edited)
		}
		got, err := w.Get(w.Context(), l.Ref)
		if diff := cmp.Diff(l, got); err != nil || diff != "" {
			w.Errorf("get: got error %v, difference %s; want what was put", err, diff)
		}
	}},
	{"put makes a token for each draft", func(w world) {
		links, err := w.Put(w.Context(), []link.Draft{draft("", "https://example.com/same"), draft("", "https://example.com/same")})
		if err != nil || links[0].Slug == links[1].Slug {
			w.Errorf("got %v, %v; want two tokens", links, err)
		}
	}},
	{"put of a slug is idempotent", func(w world) {
		d := link.Draft{Ref: link.Ref{Domain: second, Slug: "same"}, Target: "https://example.com/", Site: "s", Publication: "p"}
		first, again := w.put(d), w.put(d)
		if diff := cmp.Diff(first, again); diff != "" {
			w.Errorf("got another link: %s", diff)
		}
	}},
	{"a link keeps the method that it was made with", func(w world) {
		d := draft("method", "https://example.com/?a=b&c=d")
		d.Method = link.Script
		l := w.put(d)
		if l.Method != link.Script {
			w.Fatalf("got %+v; want method %s", l, link.Script)
		}
		visited := func(what string) {
			for _, method := range []string{"GET", "HEAD"} {
				if status, location := w.visit(method, l.Ref, browser); status != http.StatusOK || location != "" {
					w.Errorf("%s, %s: got %d %q; want a page", what, method, status, location)
				}
			}
		}
		visited("put")
		d.Method = link.Found
		if diff := cmp.Diff(l, w.put(d)); diff != "" {
			w.Errorf("put again with another method: got another link: %s", diff)
		}
		visited("put again")
		edited, err := w.Edit(w.Context(), l.Ref, link.Change{Target: "https://example.com/2"})
		if err != nil || edited.Method != link.Script {
			w.Errorf("edit: got %+v, %v; want method %s", edited, err, link.Script)
		}
		visited("edit")
		got, err := w.Get(w.Context(), l.Ref)
		if diff := cmp.Diff(edited, got); err != nil || diff != "" {
			w.Errorf("get: got error %v, difference %s; want what was edited", err, diff)
		}
		want := link.Totals{Hits: [link.NumClasses]uint64{link.Human: 3, link.Head: 3}}
		totals, err := w.Totals(w.Context(), []link.Ref{l.Ref})
		if err != nil || totals.Totals[0].Hits != want.Hits {
			w.Errorf("totals: got %v, %v; want %v, each visit once", totals.Totals, err, want.Hits)
		}
	}},
	{"the same slug on two domains is two links", func(w world) {
		a := w.put(draft("twice", "https://a.example/"))
		b := w.put(link.Draft{Ref: link.Ref{Domain: "GO.example.COM:443", Slug: "twice"}, Target: "https://b.example/"})
		if a.Number == b.Number || b.Domain != second {
			w.Errorf("got %+v and %+v; want two links on two domains", a, b)
		}
		for _, l := range []link.Link{a, b} {
			if status, location := w.visit("GET", l.Ref, nil); status != http.StatusFound || location != l.Target {
				w.Errorf("visit %s: got %d %q; want 302 %q", l.Ref, status, location, l.Target)
			}
		}
	}},
	{"put nothing", func(w world) {
		if links, err := w.Put(w.Context(), nil); err != nil || len(links) != 0 {
			w.Errorf("got %v, %v; want no links", links, err)
		}
	}},
	{"put refuses a batch that is too large", func(w world) {
		drafts := make([]link.Draft, link.MaxBatch+1)
		for i := range drafts {
			drafts[i] = draft("", "https://example.com/")
		}
		_, err := w.Put(w.Context(), drafts)
		w.want("put", err, link.ErrQuery)
	}},
	{"put names the draft at fault and puts nothing", func(w world) {
		w.put(draft("fault-taken", "https://example.com/"))
		gone := w.put(draft("fault-gone", "https://example.com/"))
		if err := w.Delete(w.Context(), gone.Ref); err != nil {
			w.Fatal(err)
		}
		for i, c := range []struct {
			name  string
			bad   link.Draft
			field string
			want  error
		}{
			{"taken", draft("fault-taken", "https://elsewhere.example/"), "slug", link.ErrTaken},
			{"tombstone", draft("fault-gone", "https://example.com/"), "slug", link.ErrTaken},
			{"bad slug", draft("a/b", "https://example.com/"), "slug", link.ErrSlug},
			{"reserved slug", draft("API", "https://example.com/"), "slug", link.ErrSlug},
			{"slug not UTF-8", draft("a\xff", "https://example.com/"), "slug", link.ErrSlug},
			{"relative target", draft("", "/a"), "target", link.ErrTarget},
			{"no target", draft("", ""), "target", link.ErrTarget},
			{"javascript", draft("", "javascript:alert(1)"), "target", link.ErrTarget},
			{"target not UTF-8", draft("", "https://example.com/\xff"), "target", link.ErrTarget},
			{"target too long", draft("", "https://example.com/"+strings.Repeat("a", link.MaxTarget)), "target", link.ErrTarget},
			{"foreign domain", link.Draft{Ref: link.Ref{Domain: "foreign.example"}, Target: "https://example.com/"}, "domain", link.ErrDomain},
			{"malformed domain", link.Draft{Ref: link.Ref{Domain: "a b"}, Target: "https://example.com/"}, "domain", link.ErrDomain},
			{"site too long", link.Draft{Target: "https://example.com/", Site: strings.Repeat("s", link.MaxOwner+1)}, "site", link.ErrOwner},
			{"method unknown", link.Draft{Target: "https://example.com/", Method: 9}, "redirect", link.ErrMethod},
			{"publication not UTF-8", link.Draft{Target: "https://example.com/", Publication: "\xff"}, "publication", link.ErrOwner},
		} {
			good := draft(fmt.Sprintf("fault-%d", i), "https://example.com/")
			_, err := w.Put(w.Context(), []link.Draft{good, c.bad})
			w.want(c.name, err, c.want)
			if d, ok := errors.AsType[*link.DraftError](err); !ok || d.Index != 1 || d.Field != c.field {
				w.Errorf("%s: got %#v; want a DraftError for draft 1, field %s", c.name, d, c.field)
			}
			_, err = w.Get(w.Context(), good.Ref)
			w.want(c.name+": the good draft", err, link.ErrNotFound)
		}
		_, err := w.Put(w.Context(), []link.Draft{{Ref: link.Ref{Domain: "foreign.example"}, Target: "https://example.com/"}})
		if err == nil || !strings.Contains(err.Error(), second) {
			w.Errorf("foreign domain: got %v; want the domains that are served named", err)
		}
	}},
	{"a slug that nobody has", func(w world) {
		for _, ref := range []link.Ref{
			{Slug: "nobody"}, {Domain: second, Slug: "nobody"}, {Domain: "foreign.example", Slug: "nobody"},
			{Slug: "a/b"}, {Slug: ".."}, {Slug: "."}, {Slug: ""}, {Slug: "a\x00b"}, {Slug: "a?b#c"}, {Slug: "%2e"},
			{Slug: strings.Repeat("a", 2000)},
		} {
			_, err := w.Get(w.Context(), ref)
			w.want(fmt.Sprintf("get %q", ref), err, link.ErrNotFound)
			_, err = w.Edit(w.Context(), ref, link.Change{State: link.Disabled})
			w.want(fmt.Sprintf("edit %q", ref), err, link.ErrNotFound)
			w.want(fmt.Sprintf("delete %q", ref), w.Delete(w.Context(), ref), link.ErrNotFound)
			_, err = w.Referrals(w.Context(), link.ReferralQuery{Ref: ref})
			w.want(fmt.Sprintf("referrals of %q", ref), err, link.ErrNotFound)
		}
		_, err := w.Get(w.Context(), link.Ref{Domain: "a b", Slug: "nobody"})
		w.want("malformed domain", err, link.ErrDomain)
		_, err = w.Get(w.Context(), link.Ref{Slug: "nobody"})
		if err == nil || !strings.Contains(err.Error(), "127.0.0.1/nobody") {
			w.Errorf("got %v; want the link named", err)
		}
	}},
	{"an edit is seen by the next request", func(w world) {
		l := w.put(draft("edited", "https://example.com/1"))
		for i := range 3 {
			target := fmt.Sprintf("https://example.com/%d?a=b&c=%%2F", i+2)
			got, err := w.Edit(w.Context(), l.Ref, link.Change{Target: target})
			if err != nil || got.Target != target || got.State != link.Active || got.Number != l.Number {
				w.Fatalf("edit: got %+v, %v; want target %s", got, err, target)
			}
			if status, location := w.visit("GET", l.Ref, nil); status != http.StatusFound || location != target {
				w.Errorf("visit: got %d %q; want 302 %q", status, location, target)
			}
		}
		if got, err := w.Edit(w.Context(), l.Ref, link.Change{State: link.Disabled}); err != nil || got.State != link.Disabled {
			w.Errorf("disable: got %+v, %v", got, err)
		}
		if status, _ := w.visit("GET", l.Ref, nil); status != http.StatusNotFound {
			w.Errorf("visit a disabled link: got %d; want 404", status)
		}
		if got, err := w.Edit(w.Context(), l.Ref, link.Change{State: link.Active}); err != nil || got.State != link.Active {
			w.Errorf("enable: got %+v, %v", got, err)
		}
		if status, _ := w.visit("GET", l.Ref, nil); status != http.StatusFound {
			w.Errorf("visit: got %d; want 302", status)
		}
		_, err := w.Edit(w.Context(), l.Ref, link.Change{Target: "ftp://example.com/"})
		w.want("bad target", err, link.ErrTarget)
		_, err = w.Edit(w.Context(), l.Ref, link.Change{Target: "https://example.com/\xff"})
		w.want("target not UTF-8", err, link.ErrTarget)
		_, err = w.Edit(w.Context(), l.Ref, link.Change{State: link.Deleted})
		w.want("bad state", err, link.ErrState)
	}},
	{"a deleted link stays deleted", func(w world) {
		l := w.put(draft("deleted", "https://example.com/"))
		w.visit("GET", l.Ref, browser)
		if err := w.Delete(w.Context(), l.Ref); err != nil {
			w.Fatal(err)
		}
		if status, _ := w.visit("GET", l.Ref, browser); status != http.StatusGone {
			w.Errorf("visit: got %d; want 410", status)
		}
		_, err := w.Get(w.Context(), l.Ref)
		w.want("get", err, link.ErrDeleted)
		_, err = w.Edit(w.Context(), l.Ref, link.Change{State: link.Active})
		w.want("edit", err, link.ErrDeleted)
		w.want("delete", w.Delete(w.Context(), l.Ref), link.ErrDeleted)
		answer, err := w.Totals(w.Context(), []link.Ref{l.Ref})
		if err != nil || answer.Totals[0].Referrals() != 1 {
			w.Errorf("totals: got %+v, %v; want the referral that was", answer, err)
		}
	}},
	{"list goes through all pages in both orders", func(w world) {
		var want []string
		for i := range 7 {
			d := draft(fmt.Sprintf("list-%d", i), "https://example.com/")
			d.Site = "site of the list"
			w.put(d)
			want = append(want, d.Slug)
		}
		d := draft("list-other", "https://example.com/")
		d.Site = "another"
		w.put(d)
		for _, descending := range []bool{false, true} {
			var got []string
			query := link.ListQuery{Site: "site of the list", Limit: 3, Descending: descending}
			for {
				page, err := w.List(w.Context(), query)
				if err != nil {
					w.Fatal(err)
				}
				for _, l := range page.Links {
					if descending {
						got = append([]string{l.Slug}, got...)
					} else {
						got = append(got, l.Slug)
					}
				}
				if page.Next == 0 {
					break
				}
				query.After = page.Next
			}
			if diff := cmp.Diff(want, got); diff != "" {
				w.Errorf("descending %t: %s", descending, diff)
			}
		}
		for _, limit := range []int{-1, link.MaxPage + 1} {
			_, err := w.List(w.Context(), link.ListQuery{Limit: limit})
			w.want(fmt.Sprintf("limit %d", limit), err, link.ErrQuery)
		}
		_, err := w.List(w.Context(), link.ListQuery{Skip: -1})
		w.want("skip -1", err, link.ErrQuery)
		for _, query := range []link.ListQuery{
			{Site: "site of the list", Skip: 5, Limit: 3},
			{Site: "site of the list", Skip: 5, Limit: 2, Descending: true},
			{Site: "site of the list", Skip: 7},
		} {
			page, err := w.List(w.Context(), query)
			if err != nil {
				w.Fatal(err)
			}
			var got []string
			for _, l := range page.Links {
				got = append(got, l.Slug)
			}
			order := slices.Clone(want)
			if query.Descending {
				slices.Reverse(order)
			}
			if !slices.Equal(got, order[query.Skip:]) || page.Next != 0 || page.Total != 7 {
				w.Errorf("%+v: got %v, next %d, total %d; want %v, total 7", query, got, page.Next, page.Total, order[query.Skip:])
			}
		}
		before, err := w.List(w.Context(), link.ListQuery{Limit: 1})
		if err != nil {
			w.Fatal(err)
		}
		if err := w.Delete(w.Context(), link.Ref{Slug: want[0]}); err != nil {
			w.Fatal(err)
		}
		for site, total := range map[string]uint64{"site of the list": 6, "": before.Total - 1} {
			if page, err := w.List(w.Context(), link.ListQuery{Site: site, Limit: 1}); err != nil || page.Total != total {
				w.Errorf("site %q after a delete: got total %d, %v; want %d", site, page.Total, err, total)
			}
		}
		if page, err := w.List(w.Context(), link.ListQuery{Site: "nobody's"}); err != nil || len(page.Links) != 0 || page.Next != 0 || page.Total != 0 {
			w.Errorf("site without links: got %+v, %v", page, err)
		}
	}},
	{"changes come in commit order", func(w world) {
		var after uint64
		for { // to the end of what the other cases did
			events, err := w.Changes(w.Context(), after, link.MaxPage)
			if err != nil {
				w.Fatal(err)
			}
			if len(events) == 0 {
				break
			}
			after = events[len(events)-1].Sequence
		}
		l := w.put(draft("changing", "https://example.com/"))
		if _, err := w.Edit(w.Context(), l.Ref, link.Change{Target: "https://example.com/2"}); err != nil {
			w.Fatal(err)
		}
		if err := w.Delete(w.Context(), l.Ref); err != nil {
			w.Fatal(err)
		}
		events, err := w.Changes(w.Context(), after, 2)
		if err != nil || len(events) != 2 {
			w.Fatalf("got %v, %v; want 2 changes", events, err)
		}
		rest, err := w.Changes(w.Context(), events[1].Sequence, 0)
		if err != nil || len(rest) != 1 || rest[0].Link.State != link.Deleted || rest[0].Link.Ref != l.Ref {
			w.Errorf("got %+v, %v; want the deletion of %s", rest, err, l.Ref)
		}
		_, err = w.Changes(w.Context(), 0, -1)
		w.want("limit -1", err, link.ErrQuery)
	}},
	{"totals show a click in the next reading", func(w world) {
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
	}},
	{"counts in a span", func(w world) {
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
	}},
	{"referrals in full", func(w world) {
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
	}},
	{"verify finds no difference", func(w world) {
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
	}},
	{"the domains served", func(w world) {
		bases, err := w.Bases(w.Context())
		if err != nil || len(bases) != 2 || bases.Default() != "127.0.0.1" {
			w.Fatalf("got %v, %v; want two bases", bases, err)
		}
		for ref, want := range map[link.Ref]string{
			{Domain: "127.0.0.1", Slug: "a"}:   "http://" + w.visitors + "/a",
			{Domain: second, Slug: "b"}:        "https://go.example.com/b",
			{Domain: "old.example", Slug: "c"}: "https://old.example/c",
		} {
			if got := bases.ShortURL(ref); got != want {
				w.Errorf("short URL of %s: got %s; want %s", ref, got, want)
			}
		}
	}},
	{"a call that was given up changes nothing", func(w world) {
		ctx, cancel := context.WithCancel(w.Context())
		cancel()
		_, err := w.Put(ctx, []link.Draft{draft("given-up", "https://example.com/")})
		w.want("put", err, context.Canceled)
		_, err = w.Get(w.Context(), link.Ref{Slug: "given-up"})
		w.want("get", err, link.ErrNotFound)
	}},
}

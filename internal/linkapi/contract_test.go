package linkapi_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
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
	{"list goes through all pages in both orders", checkPages},
	{"changes come in commit order", checkChanges},
	{"totals show a click in the next reading", checkTotals},
	{"counts in a span", checkSpans},
	{"referrals in full", checkReferrals},
	{"verify finds no difference", checkVerify},
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

package publish_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"herald.example/internal/link"
	"herald.example/internal/publish"
	"herald.example/internal/publish/render"
	"herald.example/internal/site"
)

// forget deletes the first link of a publication, as it would be deleted by its site.
func (w *world) forget(pub publish.Publication) {
	w.Helper()
	if err := w.ForgetLink(w.Context(), w.site.ID, link.Link{Ref: pub.Links[0].Ref, Publication: pub.Name()}); err != nil {
		w.Fatal(err)
	}
	w.links.mu.Lock()
	defer w.links.mu.Unlock()
	w.links.links[pub.Links[0].Ref] = link.Draft{} // a tombstone: whoever puts it again finds it taken
}

// TestDeletedLinkIsNotPosted: a link that is deleted while its publication waits stands
// in no post, and is not made anew.
func TestDeletedLinkIsNotPosted(t *testing.T) {
	for _, test := range []struct {
		name  string
		setup func(w *world, forget func())
	}{
		{"before the first try", func(w *world, forget func()) {
			w.net.profile = func() (render.Profile, error) {
				w.net.profile = nil
				return render.Profile{}, &publish.Error{Kind: publish.Transient}
			}
			time.AfterFunc(time.Second, forget)
		}},
		{"between tries", func(w *world, forget func()) {
			w.net.refuse(&publish.Error{Kind: publish.Transient})
			time.AfterFunc(time.Second, forget)
		}},
		{"while it is rendered", func(w *world, forget func()) {
			w.net.profile = func() (render.Profile, error) {
				w.net.profile = nil
				forget()
				return w.net.Profile(w.Context(), site.Opened{})
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				var round publish.Round
				test.setup(w, func() {
					heads, err := w.Messages(t.Context(), w.site.ID, site.ListQuery{Limit: 1})
					if err != nil {
						t.Error(err)
					}
					_, pubs, err := w.Message(t.Context(), w.site.ID, heads.Entries[0].Token)
					if err != nil {
						t.Error(err)
					}
					w.forget(pubs[0])
				})
				round = w.publish(w.request("See " + page + " or https://example.com/other"))
				time.Sleep(3 * time.Minute)
				pub := w.read(round)
				post := w.net.only()
				if pub.State != publish.Published || strings.Contains(post.Text, pub.Links[0].Ref.Slug) || !strings.Contains(post.Text, page) {
					t.Errorf("got %s, text %q; want the page itself in it", pub.State, post.Text)
				}
				if !strings.Contains(post.Text, pub.Links[1].Ref.Slug) {
					t.Errorf("got %q; want the other link in it", post.Text)
				}
				if n := len(w.links.links); n != 2 || !pub.Links[0].Deleted {
					t.Errorf("got %d links, %+v; want none made anew", n, pub.Links)
				}
			})
		})
	}
}

// TestLinksOfAnOpenTryStay: what is looked for is what was sent.
func TestLinksOfAnOpenTryStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "finds")
		var texts []string
		w.net.next = append(w.net.next, func(_ context.Context, _ site.Opened, post render.Post) (publish.Receipt, error) {
			texts = append(texts, post.Text)
			return publish.Receipt{}, &publish.Error{Kind: publish.UnknownOutcome}
		})
		w.net.finds = []found{{publish.Uncertain, &publish.Error{Kind: publish.Transient}}}
		round := w.publish(w.request("See "+page, "finds"))
		w.forget(w.read(round))
		time.Sleep(5 * time.Minute)
		w.want(round, publish.Published, publish.UnknownOutcome)
		if post := w.net.only(); len(texts) != 1 || post.Text != texts[0] {
			t.Errorf("got %q; want the same again: %q", post.Text, texts)
		}
	})
}

// TestManyTokensAreTaken: several of one publication, and all links of a round in
// groups that a shortener takes.
func TestManyTokensAreTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.links.steal = 10
		w.want(w.publish(w.request(manyURLs(publish.MaxTracked))), publish.Published, "")
	})
}

func TestLinksOfARoundArePutInGroups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for i := range 24 {
			if _, _, _, err := w.dir.Login(t.Context(), w.site.ID, site.Login{
				User: w.person.Token, Provider: "keyless", Account: site.Account{ID: fmt.Sprintf("b%d", i)},
			}); err != nil {
				t.Fatal(err)
			}
		}
		round := w.publish(w.request(manyURLs(publish.MaxTracked)))
		for _, pub := range round.Publications {
			if pub.State != publish.Published || !pub.LinksPut {
				t.Errorf("%d: got %s; want published", pub.Number, pub.State)
			}
		}
		if w.links.puts != 3 || w.links.most != 10*publish.MaxTracked {
			t.Errorf("got %d puts of at most %d links; want 3 of at most 1000", w.links.puts, w.links.most)
		}
	})
}

// TestFetchThatPanics: nobody posts a picture that is not there.
func TestFetchThatPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "keyless", "finds")
		w.fetcher.first = func(context.Context) { panic("oops") }
		r := w.request("Look", "keyless", "finds")
		r.Parts.Picture = &publish.Media{URL: "https://img.example/p.png"}
		round := w.publish(r)
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		for _, pub := range round.Publications {
			if post := w.net.posts[pub.Name()]; len(post.Media) != 1 || len(post.Media[0].Data) == 0 {
				t.Errorf("%s: got %+v; want it with its picture", pub.Provider, post)
			}
		}
	})
}

func TestShortenerIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		down := errors.New("connection refused")
		w.links.setDown(down)
		if _, err := w.Publish(t.Context(), w.request("See "+page)); err != nil {
			t.Fatalf("got %v; want it accepted with the bases known", err)
		}
		w.restart() // now the bases are known from the store alone
		round := w.publish(w.request("See " + page))
		w.want(round, publish.Pending, publish.Transient)
		if calls, _ := w.net.count(); calls != 0 {
			t.Errorf("got %d calls of the network; want none before the links are there", calls)
		}
		time.Sleep(2 * time.Hour)
		w.want(round, publish.Pending, publish.Transient)
		w.links.setDown(nil)
		time.Sleep(time.Minute)
		w.want(round, publish.Published, publish.Transient)
		if _, posts := w.net.count(); posts != 2 {
			t.Errorf("got %d posts; want both", posts)
		}
	})
}

func TestShortenerWasNeverReached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.close()
		w.links.setDown(errors.New("connection refused"))
		w.path = strings.Replace(w.path, "sharing.db", "other.db", 1)
		w.open()
		s, _, err := w.dir.AddSite(t.Context(), site.SiteDraft{Name: "other"})
		if err != nil {
			t.Fatal(err)
		}
		person, _, _, err := w.dir.Login(t.Context(), s.ID, site.Login{Provider: "keyless", Account: site.Account{ID: "a"}})
		if err != nil {
			t.Fatal(err)
		}
		r := w.request("See " + page)
		r.Site, r.Target.User = s, person.Token
		if _, err := w.Publish(t.Context(), r); !errors.Is(err, publish.ErrUnavailable) {
			t.Errorf("got %v; want %v", err, publish.ErrUnavailable)
		}
		r.Parts.Tracking = false
		if _, err := w.Publish(t.Context(), r); err != nil {
			t.Errorf("without tracking: got %v; want it accepted", err)
		}
	})
}

func TestTakenTokenIsDrawnAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.links.steal = 2
		pub := w.want(w.publish(w.request("See "+page)), publish.Published, "")
		if got := w.links.links[pub.Links[0].Ref].Target; got != page {
			t.Errorf("got a link to %q; want one of our own", got)
		}
		if post := w.net.only(); !strings.Contains(post.Text, pub.Links[0].Ref.Slug) {
			t.Errorf("got %q; want the stored token in it", post.Text)
		}
	})
}

func TestDeletedLinkIsNotShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		round := w.publish(w.request("See " + page))
		pub := w.read(round)
		l := link.Link{Ref: pub.Links[0].Ref, Publication: pub.Name()}
		for range 2 {
			if err := w.ForgetLink(t.Context(), w.site.ID, l); err != nil {
				t.Fatal(err)
			}
		}
		if pub = w.read(round); !pub.Links[0].Deleted {
			t.Errorf("got %+v; want the link deleted", pub.Links)
		}
		for _, publication := range []string{"", "x", "00000000-0000-4000-8000-000000000000.1", pub.Message + ".9"} {
			l.Publication = publication
			if err := w.ForgetLink(t.Context(), w.site.ID, l); err != nil {
				t.Errorf("%q: got %v; want nil", publication, err)
			}
		}
	})
}

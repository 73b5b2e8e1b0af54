package publish_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"herald.example/internal/fetch"
	"herald.example/internal/publish"
	"herald.example/internal/site"
)

// TestFilesAreBounded: a site that publishes many slow pictures on many servers has few
// of them fetched at a time, and leaves room to other sites.
func TestFilesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.options.MediaBytes, w.options.Wait = 4*publish.MaxUpload, 20*time.Second
		w.restart()
		w.fetcher.takes = 10 * time.Second
		media := func() int64 {
			t.Helper()
			stats, err := w.Stats(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return stats.Media
		}
		other, _, err := w.dir.AddSite(t.Context(), site.SiteDraft{Name: "other"})
		if err != nil {
			t.Fatal(err)
		}
		_, guest, _, err := w.dir.Login(t.Context(), other.ID, site.Login{Provider: "keyless", Account: site.Account{ID: "g", Server: "https://other.example"}})
		if err != nil {
			t.Fatal(err)
		}
		const many = 8
		rounds := make(chan publish.Round, many)
		for i := range many {
			_, identity, _, err := w.dir.Login(t.Context(), w.site.ID, site.Login{Provider: "keyless", Account: site.Account{ID: fmt.Sprint(i), Server: fmt.Sprintf("https://%d.example", i)}})
			if err != nil {
				t.Fatal(err)
			}
			go func() {
				rounds <- w.publish(publish.Request{Site: w.site, Target: publish.Target{Identity: identity.Token},
					Parts: publish.Parts{Picture: &publish.Media{URL: fmt.Sprintf("https://img.example/%d.png", i)}}})
			}()
		}
		synctest.Wait()
		if got := media(); got != 2*publish.MaxUpload {
			t.Errorf("room taken: got %d bytes; want %d", got, 2*publish.MaxUpload)
		}
		began := time.Now()
		theirs := w.publish(publish.Request{Site: other, Target: publish.Target{Identity: guest.Token},
			Parts: publish.Parts{Picture: &publish.Media{URL: "https://img.example/guest.png"}}})
		if took := time.Since(began); theirs.Publications[0].State != publish.Published || took != w.fetcher.takes {
			t.Errorf("another site's picture: got %s after %v; want it published after %v", theirs.Publications[0].State, took, w.fetcher.takes)
		}
		for range many {
			<-rounds
		}
		if got := w.fetcher.most.Load(); got != 3 {
			t.Errorf("fetched at a time: got %d; want 3, one of them the other site's", got)
		}
		time.Sleep(10 * time.Minute)
		if _, posts := w.net.count(); posts != many+1 || media() != 0 {
			t.Errorf("got %d posts, %d bytes held; want %d and 0", posts, media(), many+1)
		}
	})
}

// TestFilesOfARoundAreReadOnce: uploads are in memory once for all networks, and as long
// as one of them takes.
func TestFilesOfARoundAreReadOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "keyless", "finds", "refreshes")
		r := w.request("Look", "keyless", "finds", "refreshes")
		r.Parts.Uploads = []publish.Upload{{Name: "p.png", Data: onePixel(t)}}
		w.options.MediaBytes = 2 * int64(len(r.Parts.Uploads[0].Data)) // a site gets the half
		w.restart()
		for _, pub := range w.publish(r).Publications {
			if pub.State != publish.Published {
				t.Errorf("%s: got %s; want published", pub.Provider, pub.State)
			}
		}
		if stats, err := w.Stats(t.Context()); err != nil || stats.Media != 0 {
			t.Errorf("afterwards: got %d bytes held, %v; want 0", stats.Media, err)
		}
	})
}

func TestPictureIsFetchedOnceForAllNetworks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "keyless", "finds", "refreshes")
		r := w.request("Look", "keyless", "finds", "refreshes")
		r.Parts.Picture = &publish.Media{URL: "https://img.example/p.png"}
		round := w.publish(r)
		for _, pub := range round.Publications {
			if pub.State != publish.Published {
				t.Errorf("%s: got %s; want published", pub.Provider, pub.State)
			}
		}
		if w.fetcher.calls != 1 {
			t.Errorf("got %d fetches; want one", w.fetcher.calls)
		}
		for _, post := range w.net.posts {
			if len(post.Media) != 1 || post.Media[0].Type != "image/png" {
				t.Errorf("got %d pictures; want one", len(post.Media))
			}
		}
		w.fetcher.err = fmt.Errorf("fetch from img.example: %w", fetch.ErrRefusedAddress)
		bad := w.publish(publish.Request{Site: w.site, Message: round.Message.Token, Target: publish.Target{Identity: w.person.Identities[0].Token}})
		if pub := bad.Publications[0]; pub.State != publish.Failed || pub.Refusal.Kind != publish.MediaInvalid || !strings.Contains(pub.Refusal.Message, "refused address") {
			t.Errorf("got %+v; want it failed for the picture", pub)
		}
	})
}

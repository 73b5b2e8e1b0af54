package publish_test

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"herald.example/internal/publish"
	"herald.example/internal/site"
)

const page = "https://example.com/page?a=b"

func TestPublish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		r := w.request("Read " + page + ", twice: " + page)
		r.Parts.Link = &publish.Link{URL: "https://example.com/other", Name: "Other"}
		round := w.publish(r)
		if len(round.Publications) != 1 || round.Message.Rounds != 1 || round.Repeated {
			t.Fatalf("got %+v; want one publication of the first round", round)
		}
		pub := w.want(round, publish.Published, "")
		if fmt.Sprint(round.Publications[0]) != fmt.Sprint(pub) {
			t.Errorf("got %+v in the answer; want what is stored: %+v", round.Publications[0], pub)
		}
		if pub.Receipt.ID != "id-"+pub.Name() || pub.Receipt.At.IsZero() || pub.Tries != 1 || pub.Number != 1 || pub.User != w.person.Token {
			t.Errorf("got %+v; want the network's receipt", pub)
		}
		if len(pub.Links) != 2 || pub.Links[0].Target != "https://example.com/other" || pub.Links[1].Target != page {
			t.Fatalf("got links %+v; want one for the link and one for the URL in the text", pub.Links)
		}
		for _, l := range pub.Links {
			draft := w.links.links[l.Ref]
			if draft.Target != l.Target || draft.Site != w.site.ID || draft.Publication != pub.Name() {
				t.Errorf("got %+v with the shortener; want %+v of the publication", draft, l)
			}
		}
		post := w.net.only()
		short := "https://go.example/" + pub.Links[1].Ref.Slug
		if strings.Contains(post.Text, "example.com/page") || strings.Count(post.Text, short) != 2 {
			t.Errorf("got text %q; want %s in it twice", post.Text, short)
		}
		if post.Created != pub.Created.UnixMilli() {
			t.Errorf("got Created %d; want the publication's", post.Created)
		}
	})
}

func TestPublishAgainMintsItsOwnLinks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		first := w.publish(w.request("See " + page))
		time.Sleep(time.Hour)
		again := w.publish(publish.Request{Site: w.site, Message: first.Message.Token, Target: publish.Target{Identity: w.person.Identities[0].Token}})
		message, pubs, err := w.Message(t.Context(), w.site.ID, first.Message.Token)
		if err != nil || len(pubs) != 2 {
			t.Fatalf("got %d publications, %v; want two", len(pubs), err)
		}
		a, b := pubs[0], pubs[1]
		if a.Round != 1 || b.Round != 2 || b.Number != 2 || len(b.Links) != 1 || a.Links[0].Ref == b.Links[0].Ref || a.Links[0].Target != b.Links[0].Target {
			t.Errorf("got %+v and %+v; want a second publication with a link of its own", a, b)
		}
		if !message.Created.Equal(first.Message.Created) || message.LastPublished.Sub(message.Created) != time.Hour || message.Rounds != 2 {
			t.Errorf("got %+v; want it published again an hour later", message)
		}
		if len(again.Publications) != 1 || again.Publications[0].Number != 2 {
			t.Errorf("got %+v in the answer; want the second publication alone", again.Publications)
		}
	})
}

func TestWhoIsMeant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "keyless", "finds")
		w.nets["closed"] = nil
		stranger := "00000000-0000-4000-8000-000000000000"
		for _, test := range []struct {
			name   string
			target publish.Target
			err    error
			want   string // provider, state and kind of each publication
		}{
			{"both providers", publish.Target{User: w.person.Token, Providers: []string{"finds", "keyless", "finds"}}, nil, "[finds published  keyless published ]"},
			{"not connected", publish.Target{User: w.person.Token, Providers: []string{"keyless", "refreshes"}}, nil, "[keyless published  refreshes failed target_missing]"},
			{"unknown", publish.Target{User: w.person.Token, Providers: []string{"nowhere"}}, nil, "[nowhere failed unsupported]"},
			{"no adapter", publish.Target{User: w.person.Token, Providers: []string{"closed"}}, nil, "[closed failed unsupported]"},
			{"identity", publish.Target{Identity: w.person.Identities[1].Token}, nil, "[finds published ]"},
			{"both targets", publish.Target{User: w.person.Token, Providers: []string{"keyless"}, Identity: w.person.Identities[0].Token}, publish.ErrTarget, ""},
			{"nobody", publish.Target{}, publish.ErrTarget, ""},
			{"no providers", publish.Target{User: w.person.Token}, publish.ErrTarget, ""},
			{"unknown user", publish.Target{User: stranger, Providers: []string{"keyless"}}, site.ErrNotFound, ""},
			{"unknown identity", publish.Target{Identity: stranger}, site.ErrNotFound, ""},
		} {
			r := w.request("Hello")
			r.Target = test.target
			round, err := w.Publish(t.Context(), r)
			if !errors.Is(err, test.err) {
				t.Errorf("%s: got %v; want %v", test.name, err, test.err)
			}
			var got []string
			for _, p := range round.Publications {
				kind := publish.Kind("")
				if p.Refusal != nil {
					kind = p.Refusal.Kind
				}
				got = append(got, fmt.Sprintf("%s %s %s", p.Provider, p.State, kind))
			}
			if err == nil && fmt.Sprint(got) != test.want {
				t.Errorf("%s: got %s; want %s", test.name, got, test.want)
			}
		}
		page, err := w.Messages(t.Context(), w.site.ID, site.ListQuery{Limit: 10})
		if err != nil || page.Total != 5 {
			t.Errorf("got %d messages, %v; want the five that were accepted", page.Total, err)
		}
	})
}

func TestPartsAreChecked(t *testing.T) {
	picture := onePixel(t)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for _, test := range []struct {
			name  string
			parts publish.Parts
			want  string // in the error; empty: accepted
		}{
			{"text", publish.Parts{Text: &publish.Text{Body: "a"}}, ""},
			{"link alone", publish.Parts{Link: &publish.Link{URL: page}}, ""},
			{"picture by another name", publish.Parts{Uploads: []publish.Upload{{Name: "a", Data: picture}}}, ""},
			{"nothing", publish.Parts{}, "nothing to publish"},
			{"blank text", publish.Parts{Text: &publish.Text{Body: " \n"}}, "nothing to publish"},
			{"text too long", publish.Parts{Text: &publish.Text{Body: strings.Repeat("a", publish.MaxText+1)}}, "text.body: 262145 bytes"},
			{"text is no text", publish.Parts{Text: &publish.Text{Body: "a\xff"}}, "text.body: it is not valid UTF-8"},
			{"link without scheme", publish.Parts{Link: &publish.Link{URL: "example.com"}}, "link.url:"},
			{"link to a script", publish.Parts{Link: &publish.Link{URL: "javascript:alert(1)"}}, "link.url:"},
			{"link name too long", publish.Parts{Link: &publish.Link{URL: page, Name: strings.Repeat("a", publish.MaxWords+1)}}, "link.name:"},
			{"picture with user info", publish.Parts{Picture: &publish.Media{URL: "https://a@example.com/p.png"}}, "picture.url:"},
			{"video without host", publish.Parts{Video: &publish.Media{URL: "https:///v.mp4"}}, "video.url:"},
			{"empty upload", publish.Parts{Uploads: []publish.Upload{{Name: "a.png"}}}, "uploads[0]: the file is empty"},
			{"upload of text", publish.Parts{Uploads: []publish.Upload{{Name: "a.png", Data: []byte("hello")}}}, "uploads[0]: bad type"},
			{"upload of another type", publish.Parts{Uploads: []publish.Upload{{Name: "a.png", Data: picture}, {Name: "a.JPG", Data: picture}}}, "uploads[1]: the name says image/jpeg"},
			{"upload too large", publish.Parts{Uploads: []publish.Upload{{Data: make([]byte, publish.MaxUpload+1)}}}, "uploads[0]:"},
			{"too many uploads", publish.Parts{Uploads: make([]publish.Upload, publish.MaxUploads+1)}, "uploads: 11 files"},
			{"too many URLs", publish.Parts{Text: &publish.Text{Body: manyURLs(10_000)}, Tracking: true}, "text.body: 10000 different URLs"},
			{"as many untracked", publish.Parts{Text: &publish.Text{Body: manyURLs(4_000)}}, ""},
		} {
			r := w.request("")
			r.Parts = test.parts
			_, err := w.Publish(t.Context(), r)
			if test.want == "" && err != nil {
				t.Errorf("%s: got %v; want it accepted", test.name, err)
			}
			if test.want != "" && (!errors.Is(err, publish.ErrParts) || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("%s: got %v; want %q", test.name, err, test.want)
			}
		}
		page, err := w.Messages(t.Context(), w.site.ID, site.ListQuery{Limit: 10})
		if err != nil || page.Total != 4 {
			t.Errorf("got %d messages, %v; want the four that were accepted", page.Total, err)
		}
	})
}

// onePixel is a small picture.
func onePixel(t *testing.T) []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 1, 1))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// manyURLs is a text of n different URLs.
func manyURLs(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "http://a.example/%d ", i)
	}
	return b.String()
}

func TestSiteDomain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		r := w.request("See " + page)
		r.Site.Domain = "own.example"
		pub := w.want(w.publish(r), publish.Published, "")
		if got := pub.Links[0].Ref.Domain; got != "own.example" {
			t.Errorf("got domain %s; want the site's", got)
		}
	})
}

func TestIdempotencyKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		r := w.request("See " + page)
		r.Key = "key-1"
		var wg sync.WaitGroup
		rounds := make([]publish.Round, 8)
		for i := range rounds {
			wg.Go(func() { rounds[i], _ = w.Publish(t.Context(), r) })
		}
		wg.Wait()
		repeated := 0
		for _, round := range rounds {
			if round.Message.Token != rounds[0].Message.Token || len(round.Publications) != 1 || round.Publications[0].State != publish.Published {
				t.Errorf("got %+v; want the one message, published", round)
			}
			if round.Repeated {
				repeated++
			}
		}
		if calls, _ := w.net.count(); calls != 1 || repeated != len(rounds)-1 {
			t.Errorf("got %d calls, %d repeated answers; want 1 and %d", calls, repeated, len(rounds)-1)
		}
		r.Parts.Text = &publish.Text{Body: "Other"}
		if _, err := w.Publish(t.Context(), r); !errors.Is(err, publish.ErrKeyReused) {
			t.Errorf("got %v; want %v", err, publish.ErrKeyReused)
		}
		w.restart()
		r.Parts.Text = &publish.Text{Body: "See " + page}
		if round := w.publish(r); !round.Repeated || round.Message.Token != rounds[0].Message.Token {
			t.Errorf("after a restart: got %+v; want the first message", round)
		}
		time.Sleep(25 * time.Hour)
		if round := w.publish(r); round.Repeated {
			t.Errorf("a day later: got the first message; want a new one")
		}
	})
}

func TestUploads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		picture := onePixel(t)
		r := w.request("Look")
		r.Parts.Uploads = []publish.Upload{{Name: "p.png", Data: picture}}
		w.net.refuse(&publish.Error{Kind: publish.Transient})
		round := w.publish(r)
		w.restart() // the bytes come from the store now
		time.Sleep(2 * time.Minute)
		w.want(round, publish.Published, publish.Transient)
		if post := w.net.only(); len(post.Media) != 1 || string(post.Media[0].Data) != string(picture) || post.Media[0].Type != "image/png" {
			t.Errorf("got %+v; want the upload", post.Media)
		}
	})
}

package publish_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"herald.example/internal/fetch"
	"herald.example/internal/link"
	"herald.example/internal/publish"
	"herald.example/internal/publish/render"
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

// TestRefusals: what becomes of a publication for each kind of refusal.
func TestRefusals(t *testing.T) {
	for _, test := range []struct {
		kind  publish.Kind
		wait  time.Duration // that the network asks for
		state publish.State
		due   time.Duration // at the earliest, when it is pending
		later time.Duration // at the latest
	}{
		{publish.AuthExpired, 0, publish.Failed, 0, 0},
		{publish.AuthRevoked, 0, publish.Failed, 0, 0},
		{publish.PermissionMissing, 0, publish.Failed, 0, 0},
		{publish.AccountRestricted, 0, publish.Failed, 0, 0},
		{publish.RateLimited, 0, publish.Pending, 45 * time.Second, time.Minute},
		{publish.RateLimited, 17 * time.Minute, publish.Pending, 17 * time.Minute, 17 * time.Minute},
		{publish.RateLimited, 25 * time.Hour, publish.Failed, 0, 0},
		{publish.QuotaExhausted, 2 * time.Hour, publish.Pending, 2 * time.Hour, 2 * time.Hour},
		{publish.QuotaExhausted, 0, publish.Failed, 0, 0}, // the clock of the test begins at midnight: tomorrow is too late
		{publish.Duplicate, 0, publish.Failed, 0, 0},
		{publish.SpamBlocked, 0, publish.Pending, 12 * time.Hour, 12 * time.Hour},
		{publish.ContentRejected, 0, publish.Failed, 0, 0},
		{publish.TextInvalid, 0, publish.Failed, 0, 0},
		{publish.MediaInvalid, 0, publish.Failed, 0, 0},
		{publish.LinkInvalid, 0, publish.Failed, 0, 0},
		{publish.TargetMissing, 0, publish.Failed, 0, 0},
		{publish.AppMisconfigured, 0, publish.Failed, 0, 0},
		{publish.Unsupported, 0, publish.Failed, 0, 0},
		{publish.Transient, 0, publish.Pending, 45 * time.Second, time.Minute},
		{publish.UnknownOutcome, 0, publish.Unknown, 0, 0},
	} {
		t.Run(string(test.kind), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.net.refuse(&publish.Error{Kind: test.kind, Network: "keyless", Message: "No.", Status: 418, Code: "1/2", Trace: "trace", RetryAfter: test.wait})
				before := time.Now()
				round := w.publish(w.request("See " + page))
				pub := w.want(round, test.state, test.kind)
				r := pub.Refusal
				if r.Message != "No." || r.Status != 418 || r.Code != "1/2" || r.Trace != "trace" || r.At.IsZero() {
					t.Errorf("got refusal %+v; want the network's words", r)
				}
				if wait := pub.Due.Sub(before); !pub.State.Final() && (wait < test.due-time.Second || wait > test.later+time.Second) {
					t.Errorf("got it due after %s; want %s to %s", wait, test.due, test.later)
				}
				identity, err := w.dir.Identity(t.Context(), w.site.ID, pub.Identity)
				broken := test.kind == publish.AuthExpired || test.kind == publish.AuthRevoked
				if err != nil || (identity.Broken != "") != broken {
					t.Errorf("got identity %+v, %v; want broken %t", identity, err, broken)
				}
				if pub.State.Final() {
					time.Sleep(25 * time.Hour)
				} else {
					time.Sleep(test.later + time.Second)
					w.want(round, publish.Published, test.kind)
				}
				if calls, posts := w.net.count(); pub.State.Final() && (calls != 1 || posts != 0) {
					t.Errorf("got %d calls and %d posts; want one call and no repeat", calls, posts)
				}
			})
		})
	}
}

func TestGivesUpAfterADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for range 1000 {
			w.net.refuse(&publish.Error{Kind: publish.Transient, Network: "keyless", Message: "later"})
		}
		round := w.publish(w.request("Hello"))
		time.Sleep(23 * time.Hour)
		w.want(round, publish.Pending, publish.Transient)
		time.Sleep(2 * time.Hour)
		pub := w.want(round, publish.Failed, publish.Transient)
		// 1, 2, 4, 8, 16 minutes, then every half hour, a little less each time.
		if calls, _ := w.net.count(); calls < 48 || calls > 70 || pub.Tries != calls {
			t.Errorf("got %d calls, %d tries; want about fifty", calls, pub.Tries)
		}
	})
}

// TestUnknownOutcome: a post without an answer is settled by asking, and made again
// only when it is known not to be there.
func TestUnknownOutcome(t *testing.T) {
	noAnswer := &publish.Error{Kind: publish.UnknownOutcome, Network: "finds"}
	landed := func(n *network) func(context.Context, site.Opened, render.Post) (publish.Receipt, error) {
		return func(_ context.Context, _ site.Opened, post render.Post) (publish.Receipt, error) {
			n.take(post)
			return publish.Receipt{}, noAnswer
		}
	}
	for _, test := range []struct {
		name  string
		setup func(*network)
		state publish.State
		calls int
		later publish.State // after an hour
	}{
		{"it landed", func(n *network) { n.next = append(n.next, landed(n)) }, publish.Published, 1, publish.Published},
		{"it is not there", func(n *network) { n.refuse(noAnswer) }, publish.Published, 2, publish.Published},
		{"never there", func(n *network) { n.refuse(noAnswer, noAnswer, noAnswer) }, publish.Sending, 2, publish.Published},
		{"nobody can tell", func(n *network) {
			n.refuse(noAnswer)
			n.finds = []found{{publish.Uncertain, nil}}
		}, publish.Unknown, 1, publish.Unknown},
		{"asked later", func(n *network) {
			n.next = append(n.next, landed(n))
			n.finds = []found{{publish.Uncertain, &publish.Error{Kind: publish.Transient}}}
		}, publish.Sending, 1, publish.Published},
		{"never to be asked", func(n *network) {
			n.next = append(n.next, landed(n))
			for range 1000 {
				n.finds = append(n.finds, found{publish.Uncertain, &publish.Error{Kind: publish.Transient}})
			}
		}, publish.Sending, 1, publish.Sending},
		{"an error that is none of ours", func(n *network) { n.refuse(errors.New("EOF")) }, publish.Published, 2, publish.Published},
		{"refused as a duplicate", func(n *network) {
			n.refuse(noAnswer, &publish.Error{Kind: publish.Duplicate})
		}, publish.Published, 2, publish.Published},
		{"refused with the post", func(n *network) {
			n.refuse(&publish.Error{Kind: publish.Duplicate, Landed: &publish.Receipt{ID: "7"}})
		}, publish.Published, 1, publish.Published},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, "finds")
				test.setup(w.net)
				round := w.publish(w.request("Hello", "finds"))
				if pub := w.read(round); pub.State != test.state {
					t.Errorf("got %s; want %s", pub.State, test.state)
				}
				if calls, _ := w.net.count(); calls != test.calls {
					t.Errorf("got %d calls; want %d", calls, test.calls)
				}
				time.Sleep(time.Hour)
				if pub := w.read(round); pub.State != test.later {
					t.Errorf("after an hour: got %s; want %s", pub.State, test.later)
				}
				if test.later == publish.Sending {
					time.Sleep(25 * time.Hour)
					w.want(round, publish.Unknown, publish.UnknownOutcome)
				}
			})
		})
	}
}

func TestWaitsNoLongerThanToldAndGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.net.next = append(w.net.next, func(ctx context.Context, _ site.Opened, post render.Post) (publish.Receipt, error) {
			select {
			case <-time.After(time.Minute):
				return w.net.take(post), nil
			case <-ctx.Done():
				return publish.Receipt{}, &publish.Error{Kind: publish.UnknownOutcome}
			}
		})
		before := time.Now()
		round := w.publish(w.request("Hello"))
		if took := time.Since(before); took != 10*time.Second || round.Publications[0].State != publish.Sending {
			t.Errorf("got %s after %s; want sending after 10s", round.Publications[0].State, took)
		}
		time.Sleep(time.Minute)
		w.want(round, publish.Published, "")
	})
}

// TestRestart: a process that ends in the middle leaves nothing undone and does
// nothing twice.
func TestRestart(t *testing.T) {
	hang := func(w *world, keep bool) {
		w.net.next = append(w.net.next, func(ctx context.Context, _ site.Opened, post render.Post) (publish.Receipt, error) {
			if keep {
				w.net.take(post)
			}
			<-ctx.Done()
			return publish.Receipt{}, &publish.Error{Kind: publish.UnknownOutcome, Err: ctx.Err()}
		})
	}
	for _, test := range []struct {
		name, provider string
		keep           bool
		state          publish.State
		posts          int
	}{
		{"nobody can tell", "keyless", true, publish.Unknown, 1},
		{"nobody can tell, and it was lost", "keyless", false, publish.Unknown, 0},
		{"found", "finds", true, publish.Published, 1},
		{"made again", "finds", false, publish.Published, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, test.provider)
				hang(w, test.keep)
				round := w.publish(w.request("Hello", test.provider))
				w.restart()
				synctest.Wait()
				time.Sleep(10 * time.Second)
				if pub := w.read(round); pub.State != test.state {
					t.Errorf("got %s; want %s", pub.State, test.state)
				}
				if _, posts := w.net.count(); posts != test.posts {
					t.Errorf("got %d posts; want %d", posts, test.posts)
				}
			})
		})
	}
}

// TestDispatcherIsFaster: the dispatcher may find a publication in the outbox, and see
// it to its end, before the caller who had it accepted goes on. It is posted once.
func TestDispatcherIsFaster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.accepting, w.options.Wait = 2*time.Minute, time.Hour // the dispatcher looks every minute
		w.restart()
		r := w.request("See " + page)
		round := w.publish(r)
		if pub := w.want(round, publish.Published, ""); round.Publications[0].State != publish.Published || pub.Tries != 1 {
			t.Errorf("got %+v in the answer, %d tries; want it published once", round.Publications[0], pub.Tries)
		}
		// The same with an outcome that the late caller must not write over.
		w.net.refuse(&publish.Error{Kind: publish.ContentRejected})
		w.links.setDown(errors.New("connection refused"))
		time.AfterFunc(30*time.Second, func() { w.links.setDown(nil) })
		time.AfterFunc(90*time.Second, func() { w.links.setDown(errors.New("connection refused")) })
		w.want(w.publish(r), publish.Failed, publish.ContentRejected)
		if calls, posts := w.net.count(); calls != 2 || posts != 1 {
			t.Errorf("got %d calls and %d posts; want one call each", calls, posts)
		}
	})
}

func TestAcceptedBeforeRunIsPublishedByRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.halt()
		round := w.publish(w.request("See " + page))
		w.want(round, publish.Pending, "")
		w.restart()
		synctest.Wait()
		w.want(round, publish.Published, "")
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

func TestCredentialsAreRenewed(t *testing.T) {
	ended := &publish.Error{Kind: publish.AuthExpired, Network: "refreshes"}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "refreshes")
		identity := w.person.Identities[0].Token
		want := func(access site.Secret) func(context.Context, site.Opened, render.Post) (publish.Receipt, error) {
			return func(ctx context.Context, who site.Opened, post render.Post) (publish.Receipt, error) {
				stored, err := w.dir.Unseal(ctx, w.site.ID, identity)
				if err != nil || who.Credentials.Access != access || stored.Credentials.Access != access {
					t.Errorf("got %q, stored %q, %v; want %q stored before it is used", string(who.Credentials.Access), string(stored.Credentials.Access), err, string(access))
				}
				return w.net.take(post), nil
			}
		}
		// The network says that they ended.
		w.net.refuse(ended)
		w.net.next = append(w.net.next, want("token-2"))
		w.net.fresh = []renewed{{site.Credentials{Access: "token-2", Refresh: "refresh-2", Expires: time.Now().Add(time.Hour)}, nil, nil}}
		w.want(w.publish(w.request("One", "refreshes")), publish.Published, "")

		// Their end is known: they are renewed before the call, once for all who wait.
		time.Sleep(time.Hour)
		w.net.fresh = []renewed{{site.Credentials{Access: "token-3", Refresh: "refresh-3"}, nil, nil}}
		var wg sync.WaitGroup
		for i := range 8 {
			w.net.next = append(w.net.next, want("token-3"))
			wg.Go(func() { w.want(w.publish(w.request(fmt.Sprint(i), "refreshes")), publish.Published, "") })
		}
		wg.Wait()

		// They cannot be renewed.
		w.net.refuse(ended)
		w.net.fresh = []renewed{{site.Credentials{}, &publish.Error{Kind: publish.AuthRevoked, Message: "gone"}, nil}}
		w.want(w.publish(w.request("Two", "refreshes")), publish.Failed, publish.AuthRevoked)
		if i, err := w.dir.Identity(t.Context(), w.site.ID, identity); err != nil || i.Broken != "gone" {
			t.Errorf("got broken %q, %v; want the reason", i.Broken, err)
		}

		// Nobody knows whether they were renewed: nothing was posted, so it is tried again.
		w.net.refuse(ended)
		w.net.fresh = []renewed{{site.Credentials{}, &publish.Error{Kind: publish.UnknownOutcome}, nil}}
		w.want(w.publish(w.request("Three", "refreshes")), publish.Pending, publish.Transient)
		if strings.Contains(w.log.String(), "token-") || strings.Contains(w.log.String(), "refresh-") {
			t.Errorf("got credentials in the log:\n%s", &w.log)
		}
	})
}

// TestOneIdentityIsLeftAlone: while a network wants to be left alone by an identity,
// nothing more is sent.
func TestOneIdentityIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.net.refuse(&publish.Error{Kind: publish.RateLimited, RetryAfter: 10 * time.Minute, Message: "slow down"})
		w.publish(w.request("One"))
		second := w.publish(w.request("Two"))
		w.want(second, publish.Pending, publish.RateLimited)
		if calls, _ := w.net.count(); calls != 1 {
			t.Errorf("got %d calls; want none while waiting", calls)
		}
		time.Sleep(11 * time.Minute)
		w.want(second, publish.Published, publish.RateLimited)
	})
}

func TestDeletedMessageIsNotPublished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.net.refuse(&publish.Error{Kind: publish.Transient})
		round := w.publish(w.request("See " + page))
		if err := w.Delete(t.Context(), w.site.ID, round.Message.Token); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if calls, posts := w.net.count(); calls != 1 || posts != 0 {
			t.Errorf("got %d calls, %d posts; want no further one", calls, posts)
		}
		if err := w.Delete(t.Context(), w.site.ID, round.Message.Token); !errors.Is(err, publish.ErrNotFound) {
			t.Errorf("again: got %v; want %v", err, publish.ErrNotFound)
		}
		stats, err := w.Stats(t.Context())
		if err != nil || stats.Waiting != 0 || stats.Flights != 0 {
			t.Errorf("got %+v, %v; want nothing waiting", stats, err)
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

func TestPanicOfAnAdapterStopsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.net.next = append(w.net.next, func(context.Context, site.Opened, render.Post) (publish.Receipt, error) { panic("oops") })
		round := w.publish(w.request("Hello"))
		time.Sleep(5 * time.Minute)
		w.want(round, publish.Unknown, publish.UnknownOutcome)
		if !strings.Contains(w.log.String(), "oops") {
			t.Errorf("got log %q; want the panic", &w.log)
		}
		w.want(w.publish(w.request("Hello")), publish.Published, "")
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

func TestParseName(t *testing.T) {
	for _, test := range []struct {
		name    string
		message string
		number  int
		ok      bool
	}{
		{"abc.1", "abc", 1, true},
		{"abc.20", "abc", 20, true},
		{"abc", "", 0, false},
		{"abc.", "", 0, false},
		{"abc.0", "", 0, false},
		{"abc.01", "", 0, false},
		{"abc.+1", "", 0, false},
		{"abc.-1", "", 0, false},
		{".1", "", 0, false},
		{"", "", 0, false},
	} {
		message, number, ok := publish.ParseName(test.name)
		if ok != test.ok || ok && (message != test.message || number != test.number) {
			t.Errorf("ParseName(%q): got %q, %d, %t; want %q, %d, %t", test.name, message, number, ok, test.message, test.number, test.ok)
		}
		if ok && (publish.Publication{Message: message, Number: number}).Name() != test.name {
			t.Errorf("Name of %q: got another", test.name)
		}
	}
}

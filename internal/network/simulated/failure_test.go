package simulated_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"herald.example/internal/network/contract"
	"herald.example/internal/network/simulated"
	"herald.example/internal/publish"
	"herald.example/internal/publish/render"
	"herald.example/internal/site"
)

// TestRefusals asks for each kind of refusal, in the text, by the account's name and
// by the token, on networks whose words are known and on one of which none are.
func TestRefusals(t *testing.T) {
	w := newWorld(t, simulated.Options{})
	for _, provider := range []string{"facebook", "twitter", "linkedin", "vkontakte", "sina", "mastodon", "bluesky", "renren"} {
		for _, kind := range publish.Kinds {
			if kind == publish.UnknownOutcome {
				continue // its post is made: see TestUnknown
			}
			directive := "#simulate:" + string(kind)
			named := known("ada")
			named.Account.Name = "ada" + directive
			for where, call := range map[string]func() (publish.Receipt, error){
				"text": func() (publish.Receipt, error) {
					return w.As(provider).Post(t.Context(), known("ada"), text("k", "Hello "+directive+"."))
				},
				"name": func() (publish.Receipt, error) { return w.As(provider).Post(t.Context(), named, text("k", "Hello")) },
				"token": func() (publish.Receipt, error) {
					return w.As(provider).Post(t.Context(), known("ada"+directive), text("k", "Hello"))
				},
			} {
				receipt, err := call()
				e := refusal(t, err, kind)
				if e.Network != provider || e.Message == "" || e.Status == 0 || receipt != (publish.Receipt{}) {
					t.Errorf("%s, %s in the %s: got %+v with receipt %+v; want network, words and status", provider, kind, where, e, receipt)
				}
			}
		}
	}
	if got := posts(t, w, ""); len(got) != 0 {
		t.Errorf("got %d posts; want none", len(got))
	}
}

// TestRenderedDirectives: a directive is understood also as the network's own rendering
// leaves it.
func TestRenderedDirectives(t *testing.T) {
	w := newWorld(t, simulated.Options{})
	for _, provider := range []string{"facebook", "twitter", "linkedin", "vkontakte", "mastodon", "bluesky", "threads", "telegram"} {
		profile, ok := render.For(provider)
		if !ok {
			t.Fatalf("no profile of %s", provider)
		}
		post, _, err := render.Render(profile, render.Content{Text: "Hello #simulate:rate_limited=seconds,90s*1 (and more)"})
		if err != nil {
			t.Fatal(err)
		}
		post.Key = "k"
		_, err = w.As(provider).Post(t.Context(), known("ada"), post)
		if e := refusal(t, err, publish.RateLimited); e.RetryAfter != 90*time.Second {
			t.Errorf("%s: got a wait of %v; want 90s", provider, e.RetryAfter)
		}
	}
}

func TestRateLimits(t *testing.T) {
	now := time.Date(2026, 3, 4, 5, 6, 7, 250_000_000, time.UTC)
	w := newWorld(t, simulated.Options{Now: func() time.Time { return now }})
	for _, test := range []struct {
		provider, directive string
		want                time.Duration
	}{
		{"twitter", "rate_limited", 30*time.Second + 750*time.Millisecond}, // whole seconds, rounded up
		{"mastodon", "rate_limited=90s", 90 * time.Second},
		{"bluesky", "rate_limited=90s", 90*time.Second + 750*time.Millisecond},
		{"facebook", "rate_limited=90s", 2 * time.Minute},
		{"linkedin", "rate_limited=90s", 0},
		{"discord", "rate_limited=1500ms", 1500 * time.Millisecond},
		{"telegram", "rate_limited=90s", 90 * time.Second},
		{"reddit", "rate_limited=90s", 90 * time.Second},
		{"tumblr", "rate_limited=90s", 90 * time.Second},
		{"linkedin", "rate_limited=seconds,1500ms", 2 * time.Second},
		{"linkedin", "rate_limited=date,90s", 90*time.Second + 750*time.Millisecond},
		{"linkedin", "rate_limited=90s,iso", 90 * time.Second},
		{"linkedin", "rate_limited=unix,90s", 90*time.Second + 750*time.Millisecond},
		{"linkedin", "rate_limited=left,90s", 90 * time.Second},
		{"linkedin", "rate_limited=after,90s", 90 * time.Second},
		{"linkedin", "rate_limited=usage,90s", 2 * time.Minute},
		{"linkedin", "rate_limited=body,90s", 90 * time.Second},
		{"twitter", "rate_limited=none", 0},
		{"twitter", "rate_limited=seconds,24h", 24 * time.Hour},
	} {
		t.Run(test.provider+" "+test.directive, func(t *testing.T) {
			_, err := w.As(test.provider).Post(t.Context(), known("ada"), text("k", "#simulate:"+test.directive))
			if e := refusal(t, err, publish.RateLimited); e.RetryAfter != test.want {
				t.Errorf("got a wait of %v; want %v", e.RetryAfter, test.want)
			}
		})
	}
}

// TestTimes counts failures that end.
func TestTimes(t *testing.T) {
	const (
		ok        = publish.Kind("")
		transient = publish.Transient
		limited   = publish.RateLimited
	)
	for _, test := range []struct {
		name      string
		token     string
		text      string
		outcomes  []publish.Kind
		andTokens []string // of the calls; none: token
	}{
		{"for ever", "ada", "#simulate:transient", []publish.Kind{transient, transient, transient}, nil},
		{"twice", "ada", "#simulate:transient*2", []publish.Kind{transient, transient, ok, ok}, nil},
		{"one after the other", "ada", "#simulate:transient*2 #simulate:rate_limited*1", []publish.Kind{transient, transient, limited, ok}, nil},
		{"the account first", "ada#simulate:rate_limited*1", "#simulate:transient*1", []publish.Kind{limited, transient, ok}, nil},
		{"settings are no failures", "ada#simulate:expires=1h", "#simulate:transient*1 #simulate:unique", []publish.Kind{transient, ok}, nil},
		{"in capitals, in brackets", "ada", "(#SIMULATE:Transient*1)", []publish.Kind{transient, ok}, nil},
		{"inside a word", "ada", "http://www.example.com/#simulate:transient", []publish.Kind{ok}, nil},
		{"at the end of a sentence", "ada", "Hello #simulate:transient*1.", []publish.Kind{transient, ok}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			n := newWorld(t, simulated.Options{}).As("mastodon")
			for i, want := range test.outcomes {
				_, err := n.Post(t.Context(), known(test.token), text("k", test.text))
				if want == ok && err != nil || want != ok && err == nil {
					t.Fatalf("call %d: got error %v; want kind %q", i+1, err, want)
				} else if want != ok {
					refused(t, err, want)
				}
			}
		})
	}
	t.Run("another publication has its own count", func(t *testing.T) {
		n := newWorld(t, simulated.Options{}).As("mastodon")
		for _, key := range []string{"k1", "k2"} {
			_, err := n.Post(t.Context(), known("ada"), text(key, "#simulate:transient*1"))
			refused(t, err, transient)
		}
	})
	t.Run("in the link", func(t *testing.T) {
		n := newWorld(t, simulated.Options{}).As("facebook")
		_, err := n.Post(t.Context(), known("ada"), render.Post{Text: "x", Link: &render.Link{URL: "http://a.example/", Description: "#simulate:quota"}})
		refused(t, err, publish.QuotaExhausted)
	})
}

// TestMisunderstood asks for what there is not.
func TestMisunderstood(t *testing.T) {
	w := newWorld(t, simulated.Options{})
	for _, directive := range []string{"", "nothing", "transient*0", "transient*1001", "transient*x", "transient*", "slow=3m", "slow=-1s", "slow=0s",
		"slow=fast", "transient=3s", "rate_limited=weeks", "rate_limited=iso,,2s", "quota=lost", "hang=3s", "rate_limited=25h", "hang=lost=lost"} {
		_, err := w.As("facebook").Post(t.Context(), known("ada"), text("k", "Hello #simulate:"+directive))
		e := refusal(t, err, publish.TextInvalid)
		if !strings.Contains(e.Message, "#simulate:") {
			t.Errorf("%q: got message %q; want it to name the directive", directive, e.Message)
		}
	}
	_, err := w.As("facebook").Post(t.Context(), known("ada"), text("k", "Hello #simulate:"+strings.Repeat("x", 9999)))
	if e := refusal(t, err, publish.TextInvalid); len(e.Message) > publish.MaxRefusal {
		t.Errorf("got a message of %d bytes; want at most %d", len(e.Message), publish.MaxRefusal)
	}
	if got := posts(t, w, ""); len(got) != 0 {
		t.Errorf("got %d posts; want none", len(got))
	}
}

// TestUnknown asks for outcomes that the caller cannot know, and settles them.
func TestUnknown(t *testing.T) {
	for _, test := range []struct {
		directive string
		made      bool
		takes     time.Duration
		status    int
	}{
		{"hang", true, 30 * time.Second, 0},
		{"hang=lost", false, 30 * time.Second, 0},
		{"slow=30s", true, 30 * time.Second, 0},
		{"server_error", true, 0, 502},
		{"server_error=lost", false, 0, 502},
		{"unknown_outcome", true, 0, 502},
	} {
		t.Run(test.directive, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, simulated.Options{})
				for _, provider := range []string{"mastodon", "facebook", "linkedin"} {
					n := w.As(provider)
					post := text("k-"+provider, "Hello #simulate:"+test.directive+"*1")
					began := time.Now()
					_, err := n.Post(t.Context(), known("ada"), post)
					if e := refusal(t, err, publish.UnknownOutcome); e.Status != test.status {
						t.Errorf("%s: got status %d; want %d", provider, e.Status, test.status)
					}
					if took := time.Since(began); took != test.takes {
						t.Errorf("%s: got an answer after %v; want %v", provider, took, test.takes)
					}
					if got := len(posts(t, w, "provider="+provider)) == 1; got != test.made {
						t.Errorf("%s: got made %v; want %v", provider, got, test.made)
					}
					want := publish.Uncertain
					switch {
					case test.made && provider != "linkedin":
						want = publish.Found
					case provider == "mastodon":
						want = publish.Absent
					}
					receipt, finding, err := n.(publish.Finder).Find(t.Context(), known("ada"), post)
					if err != nil || finding != want || (receipt.ID != "") != (want == publish.Found) {
						t.Errorf("%s: got finding %d, receipt %+v, error %v; want %d", provider, finding, receipt, err, want)
					}
					second, err := n.Post(t.Context(), known("ada"), post)
					if err != nil {
						t.Fatalf("%s: second call: %v", provider, err)
					}
					count := 1
					if test.made && provider != "mastodon" {
						count = 2 // which is why nobody makes a second call there
					}
					if got := posts(t, w, "provider="+provider); len(got) != count || got[0].ID != second.ID {
						t.Errorf("%s: got %d posts; want %d, the newest %s", provider, len(got), count, second.ID)
					}
				}
			})
		})
	}
}

// TestPatience ends calls before their answer.
func TestPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newWorld(t, simulated.Options{}).As("mastodon")
		for _, directive := range []string{"hang", "slow=10s"} {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			began := time.Now()
			_, err := n.Post(ctx, known("ada"), text(directive, "#simulate:"+directive))
			refused(t, err, publish.UnknownOutcome)
			if took := time.Since(began); took != 2*time.Second || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: got error %v after %v; want the caller's own end after 2s", directive, err, took)
			}
			cancel()
			_, err = n.Post(ctx, known("ada"), text("over", "Hello"))
			refused(t, err, publish.Transient) // nothing was sent
		}
		began := time.Now()
		if _, err := n.Post(t.Context(), known("ada"), text("s", "#simulate:slow=10s")); err != nil || time.Since(began) != 10*time.Second {
			t.Errorf("slow: got error %v after %v; want a receipt after 10s", err, time.Since(began))
		}
	})
}

func TestUnique(t *testing.T) {
	w := newWorld(t, simulated.Options{})
	for _, provider := range []string{"facebook", "mastodon"} {
		n := w.As(provider)
		first, err := n.Post(t.Context(), known("ada"), text("k1", "Again"))
		if err != nil {
			t.Fatalf("post: %v", err)
		}
		if _, err = n.Post(t.Context(), known("ada"), text("k2", "Again")); err != nil {
			t.Errorf("%s, not asked for: %v", provider, err)
		}
		_, err = n.Post(t.Context(), known("ada#simulate:unique"), text("k3", "Again"))
		if e := refusal(t, err, publish.Duplicate); e.Landed != nil {
			t.Errorf("%s: got landed %+v; want none: it is another publication's post", provider, e.Landed)
		}
		if _, err = n.Post(t.Context(), known("bob#simulate:unique"), text("k3", "Again")); err != nil {
			t.Errorf("%s, of another account: %v", provider, err)
		}
		if _, err = n.Post(t.Context(), known("ada#simulate:unique"), text("k3", "Another")); err != nil {
			t.Errorf("%s, another text: %v", provider, err)
		}
		// The same publication again: a network without keys says that it is there.
		receipt, err := n.Post(t.Context(), known("ada#simulate:unique"), text("k3", "Another"))
		if provider == "mastodon" {
			if err != nil {
				t.Errorf("%s, again: %v", provider, err)
			}
			continue
		}
		if e := refusal(t, err, publish.Duplicate); e.Landed == nil || e.Landed.ID == first.ID || e.Landed.URL == "" || receipt.ID != "" {
			t.Errorf("%s, again: got %+v; want that it has landed", provider, e.Landed)
		}
	}
}

// TestFindTellsApart has two publications of the same text, of which one was lost.
func TestFindTellsApart(t *testing.T) {
	n := newWorld(t, simulated.Options{}).As("facebook")
	if _, err := n.Post(t.Context(), known("ada"), text("k1", "Same")); err != nil {
		t.Fatalf("post: %v", err)
	}
	receipt, finding, err := n.(publish.Finder).Find(t.Context(), known("ada"), text("k2", "Same"))
	if err != nil || finding != publish.Uncertain {
		t.Errorf("got finding %d, receipt %+v, error %v; want %d", finding, receipt, err, publish.Uncertain)
	}
}

// TestLimits breaks the rules of networks.
func TestLimits(t *testing.T) {
	picture := render.Media{Type: "image/png", Data: contract.PNG(t, 4, 4)}
	many := func(n int) []render.Media {
		media := make([]render.Media, n)
		for i := range media {
			media[i] = picture
		}
		return media
	}
	for _, test := range []struct {
		provider string
		name     string
		post     render.Post
		want     publish.Kind // empty: it is taken
	}{
		{"twitter", "full", render.Post{Text: strings.Repeat("x", 280)}, ""},
		{"twitter", "over", render.Post{Text: strings.Repeat("x", 281)}, publish.TextInvalid},
		{"twitter", "over in emoji", render.Post{Text: strings.Repeat("👩‍👩‍👧", 141)}, publish.TextInvalid},
		{"twitter", "four pictures", render.Post{Text: "x", Media: many(4)}, ""},
		{"twitter", "five pictures", render.Post{Text: "x", Media: many(5)}, publish.MediaInvalid},
		{"mastodon", "full", render.Post{Text: strings.Repeat("x", 500)}, ""},
		{"mastodon", "over", render.Post{Text: strings.Repeat("x", 501)}, publish.TextInvalid},
		{"bluesky", "over", render.Post{Text: strings.Repeat("é", 301)}, publish.TextInvalid},
		{"telegram", "caption", render.Post{Text: strings.Repeat("x", 1025), Media: many(1)}, publish.TextInvalid},
		{"telegram", "text", render.Post{Text: strings.Repeat("x", 1025)}, ""},
		{"facebook", "empty", render.Post{Text: " \n"}, publish.TextInvalid},
		{"facebook", "link alone", render.Post{Link: &render.Link{URL: "http://a.example/"}}, ""},
		{"facebook", "picture alone", render.Post{Media: many(1)}, ""},
		{"facebook", "no picture", render.Post{Text: "x", Media: []render.Media{{Type: "image/png", Data: []byte("<script>alert(1)</script>")}}}, publish.MediaInvalid},
		{"facebook", "control characters", render.Post{Text: "a\x00b"}, publish.TextInvalid},
		{"sina", "no link", render.Post{Text: "x"}, publish.LinkInvalid},
		{"sina", "link", render.Post{Text: "x http://go.example/a"}, ""},
		{"pinterest", "no picture", render.Post{Text: "x"}, publish.MediaInvalid},
		{"reddit", "picture", render.Post{Text: "x", Media: many(1)}, publish.MediaInvalid},
		{"simulated", "much", render.Post{Text: strings.Repeat("x", 1e5), Media: many(30)}, ""},
		{"simulated", "too much", render.Post{Text: "x", Media: []render.Media{{Data: append([]byte("\x89PNG\r\n\x1a\n"), make([]byte, 64<<20)...)}}}, publish.MediaInvalid},
		{"instagram", "known by name alone", render.Post{Text: "x"}, ""},
	} {
		t.Run(test.provider+" "+test.name, func(t *testing.T) {
			w := newWorld(t, simulated.Options{})
			_, err := w.As(test.provider).Post(t.Context(), known("ada"), test.post)
			if test.want == "" {
				if err != nil {
					t.Errorf("got error %v; want it taken", err)
				}
				return
			}
			if e := refusal(t, err, test.want); e.Status == 0 || e.Message == "" {
				t.Errorf("got %+v; want status and words", e)
			}
			if got := posts(t, w, ""); len(got) != 0 {
				t.Errorf("got %d posts; want none", len(got))
			}
		})
	}
}

// TestSecrets looks for tokens in errors.
func TestSecrets(t *testing.T) {
	n := newWorld(t, simulated.Options{}).As("facebook")
	for _, kind := range publish.Kinds {
		who := known("EAAB-secret-of-a-user#simulate:" + string(kind))
		who.Credentials.Refresh = "refresh-secret#simulate:revoked"
		_, err := n.Post(t.Context(), who, text("k", "Hello"))
		if err == nil || strings.Contains(fmt.Sprintf("%+v", err), "secret") {
			t.Errorf("%s: got error %+v; want one without secrets", kind, err)
		}
		if _, err = n.(publish.Refresher).Refresh(t.Context(), who); err == nil || strings.Contains(fmt.Sprintf("%+v", err), "secret") {
			t.Errorf("refresh: got error %+v; want one without secrets", err)
		}
	}
	_, err := n.Post(t.Context(), site.Opened{Credentials: site.Credentials{Access: "#simulate:abc-secret"}}, text("k", "Hello"))
	if e := refusal(t, err, publish.TextInvalid); strings.Contains(e.Message, "secret") {
		t.Errorf("got message %q; want nothing of what follows the directive", e.Message)
	}
}

package simulated_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"herald.example/internal/counter"
	"herald.example/internal/link"
	"herald.example/internal/network/contract"
	"herald.example/internal/network/simulated"
	"herald.example/internal/publish/render"
)

// transport notes requests and answers each of them with a redirect.
type transport struct {
	mu       sync.Mutex // protects requests
	requests []string   // agent and URL
	fail     error
	hold     chan struct{} // requests wait for it, if it is set
}

func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if t.hold != nil {
		select {
		case <-t.hold:
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.requests = append(t.requests, r.Method+" "+r.URL.String()+" by "+r.UserAgent())
	if t.fail != nil {
		return nil, t.fail
	}
	answer := httptest.NewRecorder()
	answer.Header().Set("Location", "http://target.example/")
	answer.WriteHeader(http.StatusFound)
	return answer.Result(), nil
}

// seen are the requests so far, in order.
func (t *transport) seen() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	seen := slices.Clone(t.requests)
	slices.Sort(seen)
	return seen
}

// previewed is a world with fetchers that run until the test ends.
func previewed(t *testing.T, bases link.Bases, tr http.RoundTripper) *simulated.World {
	t.Helper()
	w := newWorld(t, simulated.Options{Bases: func(context.Context) (link.Bases, error) { return bases, nil }, Transport: tr})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: got error %v; want none", err)
		}
	})
	return w
}

func TestFetchers(t *testing.T) {
	bases, err := link.ParseBases([]string{"http://go.example:8080", "https://s.example"})
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		tr := &transport{}
		w := previewed(t, bases, tr)
		post := render.Post{
			Key: "k", Text: "See http://go.example:8080/a http://go.example:8080/a https://S.example/b http://go.example/c https://other.example/d http://u:p@go.example:8080/e http://go.example:8080.evil.example/f",
			Link:  &render.Link{URL: "http://go.example:8080/card"},
			Media: []render.Media{{Link: "http://go.example:8080/lead", Data: contract.PNG(t, 8, 8)}},
			Below: &render.Link{URL: "http://go.example:8080/below"},
		}
		for range 2 { // the second time it is the same post
			if _, err := w.As("vkontakte").Post(t.Context(), known("ada"), post); err != nil {
				t.Fatalf("post: %v", err)
			}
			synctest.Wait()
		}
		const agent = " by Mozilla/5.0 (compatible; vkShare; +http://vk.com/dev/Share)"
		want := []string{
			"GET http://go.example:8080/a" + agent, "GET http://go.example:8080/below" + agent, "GET http://go.example:8080/card" + agent,
			"GET http://go.example:8080/lead" + agent, "GET https://S.example/b" + agent,
		}
		if got := tr.seen(); !slices.Equal(got, want) {
			t.Errorf("got requests %q; want %q", got, want)
		}
		if got := w.Stats(); got != (simulated.Stats{Posts: 1, Previews: 5}) {
			t.Errorf("got %+v; want 1 post and 5 previews", got)
		}

		tr.fail = errors.New("nobody there")
		if _, err := w.As("facebook").Post(t.Context(), known("ada"), text("k", "http://go.example:8080/g")); err != nil {
			t.Fatalf("post: %v", err)
		}
		synctest.Wait()
		if got := w.Stats(); got.Failed != 1 || got.Posts != 2 {
			t.Errorf("got %+v; want 1 failed", got)
		}
	})
}

// TestFetchersDrop fills the queue while the shortener does not answer.
func TestFetchersDrop(t *testing.T) {
	bases, err := link.ParseBases([]string{"http://go.example"})
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		tr := &transport{hold: make(chan struct{})}
		w := previewed(t, bases, tr)
		post := func(i int) {
			if _, err := w.As("facebook").Post(t.Context(), known("ada"), text("k", fmt.Sprintf("http://go.example/%d", i))); err != nil {
				t.Errorf("post: %v", err)
			}
		}
		for i := range 4 { // as many as fetchers hold
			post(i)
			synctest.Wait()
		}
		const more = 9 // than can wait
		var group sync.WaitGroup
		for i := range 1024 + more {
			group.Go(func() { post(i) })
		}
		group.Wait()
		if got := w.Stats().Dropped; got != more {
			t.Errorf("got %d dropped; want %d", got, more)
		}
		// The requests that hang are given up in time, and when the world ends.
	})
}

// TestFetchersAreNotPeople asks the counter what it takes the agents for.
func TestFetchersAreNotPeople(t *testing.T) {
	bases, err := link.ParseBases([]string{"http://go.example"})
	if err != nil {
		t.Fatal(err)
	}
	for _, provider := range []string{"simulated", "bluesky", "mastodon", "vkontakte", "facebook", "linkedin", "threads", "twitter", "discord", "reddit", "telegram", "tumblr"} {
		synctest.Test(t, func(t *testing.T) {
			tr := &agents{}
			w := previewed(t, bases, tr)
			post := render.Post{Text: "http://go.example/a", Spans: []render.Span{{Kind: render.URLSpan, Start: 0, End: 19, Value: "http://go.example/a"}}}
			if _, err := w.As(provider).Post(t.Context(), known("ada"), post); err != nil {
				t.Fatalf("post: %v", err)
			}
			synctest.Wait()
			if len(tr.seen) != 1 {
				t.Fatalf("%s: got %d requests; want 1", provider, len(tr.seen))
			}
			if got := counter.AgentTraits([]byte(tr.seen[0])); got.Class != link.Preview {
				t.Errorf("%s: got class %v by %q of agent %q; want preview", provider, got.Class, got.Rule, tr.seen[0])
			}
		})
	}
}

// agents notes the agents of requests.
type agents struct{ seen []string }

func (a *agents) RoundTrip(r *http.Request) (*http.Response, error) {
	a.seen = append(a.seen, r.UserAgent())
	return httptest.NewRecorder().Result(), nil
}

// TestFetchersOverHTTP sends the real transport at a real server, which redirects.
func TestFetchersOverHTTP(t *testing.T) {
	hits := make(chan *http.Request, 10)
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		hits <- r
		http.Redirect(rw, r, "/elsewhere", http.StatusFound)
	}))
	defer server.Close()
	bases, err := link.ParseBases([]string{server.URL})
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, simulated.Options{Bases: func(context.Context) (link.Bases, error) { return bases, nil }})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- w.Run(ctx) }()
	if _, err := w.As("twitter").Post(t.Context(), known("ada"), text("k", server.URL+"/8WEtk2a")); err != nil {
		t.Fatalf("post: %v", err)
	}
	r := <-hits
	if r.URL.Path != "/8WEtk2a" || r.UserAgent() != "Twitterbot/1.0" || r.Header.Get("Purpose") != "" {
		t.Errorf("got request %s with agent %q; want /8WEtk2a by Twitterbot", r.URL, r.UserAgent())
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("run: got error %v; want none", err)
	}
	if len(hits) != 0 {
		t.Error("got another request; want redirects not followed")
	}
}

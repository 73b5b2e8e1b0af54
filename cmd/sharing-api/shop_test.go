package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"herald.example/internal/command/commandtest"
)

// shop is a site of a running program with one user, made by the operator's
// commands, and the people who visit its short URLs.
type shop struct {
	*server
	customer
	visitors       http.RoundTripper
	apiKey, secret string // for Gigya's dialect
}

// openShop adds a site on which everything is simulated, and a user with an account
// on each of the networks.
func openShop(s *server, providers ...string) *shop {
	s.t.Helper()
	shop := &shop{server: s, visitors: http.DefaultTransport}
	shop.addSite("--simulate", "*")
	for _, provider := range providers {
		shop.addIdentity(provider, "--name", "alice")
	}
	return shop
}

// addSite adds the site and keeps its keys.
func (s *shop) addSite(args ...string) {
	s.t.Helper()
	var added struct {
		Keys struct {
			Public  string `json:"public_key"`
			Private string `json:"private_key"`
			APIKey  string `json:"apiKey"`
			Secret  string `json:"secret"`
		} `json:"new_keys"`
	}
	s.operator(&added, append([]string{"site", "add", "shop"}, args...)...)
	s.public, s.private = added.Keys.Public, added.Keys.Private
	s.apiKey, s.secret = added.Keys.APIKey, added.Keys.Secret
}

// addIdentity adds an account of the user, who is made with the first one.
func (s *shop) addIdentity(provider string, args ...string) (token string) {
	s.t.Helper()
	args = append([]string{"identity", "add", "shop", provider}, args...)
	if s.user != "" {
		args = append(args, "--user", s.user)
	}
	var added struct {
		Identity struct {
			Token string `json:"identity_token"`
			User  string `json:"user_token"`
		} `json:"identity"`
	}
	s.operator(&added, args...)
	s.user = added.Identity.User
	return added.Identity.Token
}

// operator runs a command that must succeed, and reads what it prints.
func (s *shop) operator(into any, args ...string) {
	s.t.Helper()
	stdout, stderr, code := s.operate(append(args, "--json")...)
	if code != 0 {
		s.t.Fatalf("%v: got exit code %d, %s", args, code, stderr)
	}
	if err := json.Unmarshal([]byte(stdout), into); err != nil {
		s.t.Fatalf("%v: got %s: %v", args, stdout, err)
	}
}

// reopen is the shop after its program has been started again.
func (s *shop) reopen(now *server) *shop {
	again := *s
	again.server = now
	return &again
}

// in is the shop for a test below.
func (s *shop) in(t *testing.T) *shop {
	server := *s.server
	server.t = t
	return s.reopen(&server)
}

// try sends a request to the API with the shop's keys. The error says that there was
// no answer.
func (s *shop) try(ctx context.Context, method, path, body string) (a sharedAnswer, err error) {
	began := time.Now()
	r, err := http.NewRequestWithContext(ctx, method, "http://"+s.api+path, strings.NewReader(body))
	if err != nil {
		return a, err
	}
	r.SetBasicAuth(s.public, s.private)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return a, err
	}
	defer response.Body.Close()
	var envelope struct {
		Response struct {
			Request struct {
				Status struct {
					Code int    `json:"code"`
					Info string `json:"info"`
				} `json:"status"`
			} `json:"request"`
			Result *struct {
				Data *sharedAnswer `json:"data"`
			} `json:"result"`
		} `json:"response"`
	}
	a.status = response.StatusCode
	envelope.Response.Result = &struct {
		Data *sharedAnswer `json:"data"`
	}{&a}
	raw, err := io.ReadAll(response.Body)
	if err == nil {
		err = json.Unmarshal(raw, &envelope)
	}
	if err != nil {
		return a, fmt.Errorf("%s %s: got %d %q: %w", method, path, response.StatusCode, raw, err)
	}
	if envelope.Response.Request.Status.Code != a.status {
		return a, fmt.Errorf("%s %s: got code %d in the envelope of status %d", method, path, envelope.Response.Request.Status.Code, a.status)
	}
	a.raw, a.info, a.took = string(raw), envelope.Response.Request.Status.Info, time.Since(began)
	return a, nil
}

// ask sends a request to the API with the shop's keys.
func (s *shop) ask(method, path, body string) sharedAnswer {
	s.t.Helper()
	a, err := s.try(s.t.Context(), method, path, body)
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

// draft is the body of a request that publishes a text and a link, which may be
// empty, with tracking.
func (s *shop) draft(providers []string, text, link string) string {
	type object = map[string]any
	parts := object{"text": object{"body": text}, "flags": object{"enable_tracking": "1"}}
	if link != "" {
		parts["link"] = object{"url": link}
	}
	return requestOf(object{"publish_for_user": object{"user_token": s.user, "providers": providers}, "parts": parts})
}

// requestOf is a request about a message.
func requestOf(message map[string]any) string {
	raw, err := json.Marshal(map[string]any{"request": map[string]any{"sharing_message": message}})
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return string(raw)
}

// publish publishes a message.
func (s *shop) publish(providers []string, text, link string) sharedAnswer {
	s.t.Helper()
	return s.ask("POST", "/sharing/messages.json", s.draft(providers, text, link))
}

// again publishes a message again.
func (s *shop) again(token string, providers ...string) sharedAnswer {
	s.t.Helper()
	return s.ask("POST", "/sharing/messages/"+token+".json",
		requestOf(map[string]any{"publish_for_user": map[string]any{"user_token": s.user, "providers": providers}}))
}

// message reads the details of a message.
func (s *shop) message(token string) sharedAnswer {
	s.t.Helper()
	a := s.ask("GET", "/sharing/messages/"+token+".json", "")
	if a.status != 200 {
		s.t.Fatalf("details: got %d %s; want 200", a.status, a.raw)
	}
	return a
}

// visit asks for a short URL once and does not go where it leads.
func (s *shop) visit(l sharedLink, agent string) (status int, location string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, l.ShortURL, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("User-Agent", agent)
	response, err := s.visitors.RoundTrip(r)
	if err != nil {
		s.t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode, response.Header.Get("Location")
}

// wantRedirect visits a short URL, which must lead where it should.
func (s *shop) wantRedirect(l sharedLink, agent string) {
	s.t.Helper()
	if status, location := s.visit(l, agent); status != http.StatusFound || location != l.Target {
		s.t.Errorf("visit of %s: got %d %q; want 302 %q", l.ShortURL, status, location, l.Target)
	}
}

// wantReferrals wants a number of referrals of each link of a publication.
func (s *shop) wantReferrals(details sharedAnswer, p sharedPublication, want int) {
	s.t.Helper()
	found := details.Message.find(p).links()
	if len(found) != len(p.Tracked) {
		s.t.Errorf("%s: got %s; want the publication in the details", p.Provider, details.raw)
	}
	for _, l := range found {
		if l.NumReferrals.String() != fmt.Sprint(want) || (l.LastReferral != "") != (want > 0) {
			s.t.Errorf("%s: got %q referrals of %s, last %q; want %d", p.Provider, l.NumReferrals, l.ShortURL, l.LastReferral, want)
		}
	}
}

// wantPreviews waits until the networks' fetchers have been at short URLs.
func (s *shop) wantPreviews(want int) {
	s.t.Helper()
	commandtest.Eventually(s.t, "previews", func() bool {
		_, text := s.controlGet("/metrics")
		return strings.Contains(text, fmt.Sprintf("\nherald_simulated_previews_total %d\n", want))
	})
}

// sharedPost is a post on the simulated network.
type sharedPost struct {
	Number   uint64   `json:"number"`
	Provider string   `json:"provider"`
	Text     string   `json:"text"`
	Links    []string `json:"links"`
}

// posts are all posts on the simulated network, as everybody can read them.
func (s *shop) posts() []sharedPost {
	s.t.Helper()
	var all []sharedPost
	before := ""
	for {
		status, raw := s.send(s.t, http.DefaultClient, "GET", "http://"+s.api+"/simulated/posts.json"+before, "")
		var page struct {
			Posts []sharedPost `json:"posts"`
		}
		if err := json.Unmarshal([]byte(raw), &page); err != nil || status != 200 {
			s.t.Fatalf("posts: got %d %s, %v", status, raw, err)
		}
		if len(page.Posts) == 0 {
			return all
		}
		all = append(all, page.Posts...)
		before = fmt.Sprintf("?before=%d", page.Posts[len(page.Posts)-1].Number)
	}
}

// wantAll waits until nothing is left to do and wants every publication of answers
// on its network, once, with its own short URLs, which lead right. It returns the
// other posts.
func (s *shop) wantAll(answers []sharedAnswer) (others []sharedPost) {
	t := s.t
	t.Helper()
	commandtest.Eventually(t, "the outbox to be empty", func() bool {
		_, text := s.controlGet("/metrics")
		return strings.Contains(text, "\nherald_outbox_waiting 0\n")
	})
	ours := make(map[string]int) // posts by provider and short URL
	states := make(map[string]map[string]int)
	for _, a := range answers {
		if states[a.Message.Token] == nil {
			states[a.Message.Token] = s.states(a.Message.Token)
		}
		for _, p := range a.Message.Publications {
			for _, l := range p.links() {
				ours[p.Provider+" "+l.ShortURL] = 0
				s.wantRedirect(l, firefox)
			}
		}
	}
	for token, by := range states {
		if len(by) != 1 || by["published"] == 0 {
			t.Errorf("message %s: got publications in states %v; want all published", token, by)
		}
	}
	for _, p := range s.posts() {
		accepted := false
		for _, l := range p.Links {
			if _, known := ours[p.Provider+" "+l]; known {
				ours[p.Provider+" "+l]++
				accepted = true
			}
		}
		if !accepted {
			others = append(others, p)
		}
	}
	for post, n := range ours {
		if n != 1 {
			t.Errorf("got %d posts on %s; want 1", n, post)
		}
	}
	return others
}

// states counts the publications of a message by state.
func (s *shop) states(token string) map[string]int {
	s.t.Helper()
	var shown struct {
		Message struct {
			Publications []struct {
				State string `json:"state"`
			} `json:"publications"`
		} `json:"sharing_message"`
	}
	s.operator(&shown, "message", "show", "shop", token)
	by := make(map[string]int)
	for _, p := range shown.Message.Publications {
		by[p.State]++
	}
	return by
}

package main

import (
	"net/http"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"herald.example/internal/control"
	"herald.example/internal/operator"
	"herald.example/internal/publish"
	"herald.example/internal/site"
)

// settled reads a message until each of its publications has come to an end, or has
// a reason to wait for longer than patience.
func (c *crash) settled(token string, patience time.Duration) operator.Message {
	c.t.Helper()
	for until := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) { // between two looks
		m, err := c.operator.Message(c.t.Context(), c.site, token)
		if err != nil {
			c.t.Fatalf("message %s: %v", token, err)
		}
		i := slices.IndexFunc(m.Publications, func(p operator.Publication) bool { return unfinished(p) && !waits(p, patience) })
		if i < 0 {
			return m
		}
		if time.Now().After(until) {
			c.t.Fatalf("message %s: got %+v after a minute; want an end", token, m.Publications[i])
		}
	}
}

// unfinished says whether a publication has not come to its end.
func unfinished(p operator.Publication) bool { return !p.State.Final() }

// waits says whether a publication waits for longer than patience because a network
// did not take it, or left open what became of it.
func waits(p operator.Publication, patience time.Duration) bool {
	return unfinished(p) && p.Refusal != nil && time.Until(p.Due) > patience
}

// discover reads which messages there are that were not there when it was called
// last, answered or not.
func (c *crash) discover() {
	c.t.Helper()
	for {
		page, err := c.operator.Messages(c.t.Context(), c.site, site.ListQuery{After: c.newest, Limit: site.MaxPage})
		if err != nil {
			c.t.Fatalf("list messages: %v", err)
		}
		for _, head := range page.Entries {
			c.newest = head.Token
			c.open = append(c.open, head.Token)
		}
		if page.Next == "" {
			return
		}
	}
}

// check reads everything that is open and holds it against what clients and
// networks know. What waits for longer than patience stays open.
func (c *crash) check(patience time.Duration) {
	c.t.Helper()
	c.discover()
	var open []string
	for _, token := range c.open {
		m := c.settled(token, patience)
		word := wordForm.FindString(m.Text)
		if first, known := c.words[word]; known && first != token {
			c.t.Errorf("%s: got messages %s and %s; want one", word, first, token)
		}
		c.words[word], c.messages[token] = token, m
		if slices.ContainsFunc(m.Publications, unfinished) {
			open = append(open, token)
		}
	}
	posts := c.posts()
	for _, token := range c.open {
		c.checkMessage(c.messages[token], posts)
	}
	c.checkAnswers()
	c.checkLinks(c.open)
	c.checkSample(c.open, 5)
	c.open = open
}

// posts reads what is on the networks. A post that is there twice, or that nobody
// accepted, is an error.
func (c *crash) posts() map[*account]map[string]networkPost {
	c.t.Helper()
	all := make(map[*account]map[string]networkPost)
	for _, a := range c.networks.accounts {
		all[a] = make(map[string]networkPost)
		for _, p := range a.posts() {
			if first, known := all[a][p.word]; known {
				c.t.Errorf("%s on %s: got posts %s and %s; want at most one", p.word, a.name, first.id, p.id)
			}
			if c.words[p.word] == "" {
				c.t.Errorf("%s on %s: got a post %+v without a message", p.word, a.name, p)
			}
			all[a][p.word] = p
		}
	}
	return all
}

// checkMessage wants one publication for each account, in a state that is true.
func (c *crash) checkMessage(m operator.Message, posts map[*account]map[string]networkPost) {
	c.t.Helper()
	word := wordForm.FindString(m.Text)
	if m.Link != targetOf(word) || m.Rounds != 1 || len(m.Publications) != len(c.networks.accounts) {
		c.t.Errorf("%s: got %+v; want the link, one round, and a publication for each account", word, m)
		return
	}
	for _, a := range c.networks.accounts {
		i := slices.IndexFunc(m.Publications, func(p operator.Publication) bool { return p.Identity == a.identity })
		if i < 0 {
			c.t.Errorf("%s on %s: got %+v; want a publication", word, a.name, m.Publications)
			continue
		}
		p := m.Publications[i]
		post, made := posts[a][word]
		bad := ""
		switch {
		case p.State == publish.Published && (!made || post.id != p.PostID):
			bad = "the post that it names"
		case p.State == publish.Failed && made:
			bad = "no post of what has failed"
		case p.State == publish.Failed && p.Refusal == nil:
			bad = "a reason"
		case unfinished(p) && p.Refusal == nil:
			bad = "a reason to wait"
		case a.keyed && p.State.Final() && p.State != publish.Published:
			bad = "it published: the network takes a key"
		case len(p.Links) != 1 || p.Links[0].Target != m.Link || p.Links[0].Deleted:
			bad = "its link"
		case made && !slices.Equal(post.links, []string{p.Links[0].ShortURL}):
			bad = "a post with its link"
		case made && post.key != "" && post.key != (publish.Publication{Message: m.Token, Number: p.Number}).Name():
			bad = "a post with its key"
		}
		if bad != "" {
			c.t.Errorf("%s on %s: got %+v, refusal %+v, post %t %+v; want %s", word, a.name, p, p.Refusal, made, post, bad)
		}
	}
}

// checkAnswers wants each message that a client heard of, with what it heard, and
// one for each key.
func (c *crash) checkAnswers() {
	c.t.Helper()
	for _, r := range c.load.take() {
		m, known := c.messages[r.token]
		if !known || wordForm.FindString(m.Text) != r.word {
			c.t.Errorf("%s: got an answer with message %s; it is lost", r.word, r.token)
			continue
		}
		c.answered[r.token] = true
		for _, p := range m.Publications {
			if r.published[p.Identity] && p.State != publish.Published {
				c.t.Errorf("%s: the client was told that it is published on %s; now it is %s", r.word, p.Provider, p.State)
			}
		}
	}
}

// checkLinks follows the links of all that is published.
func (c *crash) checkLinks(tokens []string) {
	c.t.Helper()
	for _, token := range tokens {
		m := c.messages[token]
		for _, url := range publishedURLs(m) {
			c.visited++
			slug, _ := strings.CutPrefix(url, "https://"+shortHost+"/")
			status, header := visit(c.t, http.DefaultTransport, "http://"+c.program.redirect+"/"+slug)
			if got := header.Get("Location"); status != http.StatusFound || got != m.Link {
				c.t.Errorf("%s: got %d %q; want 302 %q", url, status, got, m.Link)
			}
		}
	}
}

// publishedURLs are the short URLs of what is published, the newest first.
func publishedURLs(m operator.Message) []string {
	var urls []string
	for _, p := range slices.Backward(m.Publications) {
		if p.State == publish.Published && len(p.Links) == 1 {
			urls = append(urls, p.Links[0].ShortURL)
		}
	}
	return urls
}

// checkSample reads so many messages, chosen at random, as their site does.
func (c *crash) checkSample(tokens []string, sample int) {
	c.t.Helper()
	for range min(sample, len(tokens)) {
		m := c.messages[tokens[c.rng.IntN(len(tokens))]]
		if slices.ContainsFunc(m.Publications, unfinished) {
			continue // it may be published by now
		}
		status, answer := c.load.customer.send(c.t, http.DefaultClient, "GET", "http://"+c.program.api+"/sharing/messages/"+m.Token+".json", "")
		if status != http.StatusOK {
			c.t.Errorf("message %s: got %d %s; want it", m.Token, status, answer)
			continue
		}
		if urls, want := parsePublished(c.t, answer).ShortURLs, publishedURLs(m); !slices.Equal(urls, want) {
			c.t.Errorf("message %s: got short URLs %q; want those of what is published, %q", m.Token, urls, want)
		}
	}
}

// checkAll reads everything again. What was at its end stays as it was.
func (c *crash) checkAll() {
	c.t.Helper()
	c.discover()
	for _, token := range c.open {
		if _, known := c.messages[token]; !known {
			c.t.Errorf("got a new message %s without a request", token)
		}
	}
	for token, before := range c.messages {
		now, err := c.operator.Message(c.t.Context(), c.site, token)
		if err != nil {
			c.t.Errorf("message %s: %v", token, err)
			continue
		}
		for i, p := range before.Publications {
			if p.State.Final() && (len(now.Publications) <= i || !reflect.DeepEqual(now.Publications[i], p)) {
				c.t.Errorf("%s: got %+v; want %+v as before", p.Provider, now.Publications, p)
			}
		}
		c.messages[token] = now
	}
	posts := c.posts() // after the messages, which may still become published
	for _, m := range c.messages {
		c.checkMessage(m, posts)
	}
}

// connect makes a client of the operator's interface.
func (c *crash) connect() {
	c.t.Helper()
	token, err := control.ReadToken(filepath.Join(c.data, control.TokenFile))
	if err != nil {
		c.t.Fatal(err)
	}
	if c.operator != nil {
		c.operator.Close()
	}
	if c.operator, err = operator.NewClient(c.program.control, token); err != nil {
		c.t.Fatal(err)
	}
}

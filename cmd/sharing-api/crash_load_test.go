package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// publisherClients is how many clients publish at a time.
const publisherClients = 16

// load is all that clients of the API have sent, over all lives of the program.
type load struct {
	t        *testing.T
	customer customer
	numbers  atomic.Int64 // of requests
	clients  []*client

	mu        sync.Mutex // protects what follows
	answers   []reply    // since they were taken last
	brokenOff int        // requests whose connection ended before their answer
	repeats   int        // requests that were sent again and answered
}

// reply is an answer that a client got.
type reply struct {
	word      string
	keyed     bool
	token     string          // of the message
	published map[string]bool // identities for which the answer says so
}

// client publishes one message after the other, in one life of the program after
// the other.
type client struct {
	load  *load
	keyed bool // it sends keys, and the same again until it has an answer
	owed  *message
	last  *message // that was answered
}

// message is a request to publish.
type message struct {
	word, body string
	sent       int    // how often
	token      string // of the answer
}

// newLoad makes clients that have not sent anything.
func newLoad(t *testing.T, c customer) *load {
	l := &load{t: t, customer: c}
	for i := range publisherClients {
		l.clients = append(l.clients, &client{load: l, keyed: i%2 == 0})
	}
	return l
}

// press lets all clients publish at an API until their connections break.
func (l *load) press(api string, rng *rand.Rand) {
	transport := &http.Transport{MaxIdleConnsPerHost: publisherClients}
	defer transport.CloseIdleConnections()
	var running sync.WaitGroup
	for _, c := range l.clients {
		late := time.Duration(rng.IntN(5000)) * time.Microsecond
		running.Go(func() {
			time.Sleep(late)
			for c.publish(transport, api) {
			}
		})
	}
	running.Wait()
}

// collect repeats what was not answered, until it is, and some of what was.
func (l *load) collect(api string) {
	transport := &http.Transport{MaxIdleConnsPerHost: publisherClients}
	defer transport.CloseIdleConnections()
	var running sync.WaitGroup
	for _, c := range l.clients {
		if !c.keyed {
			continue
		}
		running.Go(func() {
			if c.owed == nil {
				c.owed = c.last // its answer may have come before the kill
			}
			if c.owed != nil && !c.publish(transport, api) {
				l.t.Errorf("%s: got no answer to a request with a key from a program that runs", c.owed.word)
			}
		})
	}
	running.Wait()
}

// publish sends one request and returns false when there was no answer.
func (c *client) publish(transport http.RoundTripper, api string) bool {
	m := c.owed
	if m == nil {
		m = c.load.next()
	}
	m.sent++
	status, raw, err := c.send(transport, api, m)
	l := c.load
	if err != nil {
		if c.owed = nil; c.keyed {
			c.owed = m
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.brokenOff++
		return false
	}
	r, err := parseReply(raw)
	if status != http.StatusOK && status != http.StatusMultiStatus || err != nil {
		l.t.Errorf("%s: got %d %s, %v; want 200 or 207", m.word, status, raw, err)
		return false
	}
	if m.token != "" && r.token != m.token {
		l.t.Errorf("%s: a repeated key got message %s; want %s as before", m.word, r.token, m.token)
	}
	r.word, r.keyed, m.token = m.word, c.keyed, r.token
	c.owed, c.last = nil, m
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answers = append(l.answers, r)
	if m.sent > 1 {
		l.repeats++
	}
	return true
}

// next makes a message that nobody has sent.
func (l *load) next() *message {
	type object = map[string]any
	word := wordOf(l.numbers.Add(1))
	body, err := json.Marshal(object{"request": object{"sharing_message": object{
		"publish_for_user": object{"user_token": l.customer.user, "providers": []string{"bluesky", "mastodon", "facebook", "linkedin"}},
		"parts": object{
			"text":  object{"body": "Ein Gruß, " + word + ", der alles übersteht 🎉"},
			"link":  object{"url": targetOf(word), "name": "Kept"},
			"flags": object{"enable_tracking": 1},
		},
	}}})
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return &message{word: word, body: string(body)}
}

// targetOf is where the link of a request leads.
func targetOf(word string) string { return "https://example.com/" + word + "?a=b&c=%20#d" }

// send sends a request and reads its answer.
func (c *client) send(transport http.RoundTripper, api string, m *message) (status int, body []byte, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+api+"/sharing/messages.json", strings.NewReader(m.body))
	if err != nil {
		panic("BUG: " + err.Error())
	}
	r.SetBasicAuth(c.load.customer.public, c.load.customer.private)
	if c.keyed {
		r.Header.Set("Idempotency-Key", m.word)
	}
	response, err := transport.RoundTrip(r)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	body, err = io.ReadAll(response.Body)
	return response.StatusCode, body, err
}

// parseReply reads the answer to publishing.
func parseReply(raw []byte) (reply, error) {
	var envelope struct {
		Response struct {
			Result struct {
				Data struct {
					Message struct {
						Token        string `json:"sharing_message_token"`
						Publications struct {
							Entries []struct {
								Identity string `json:"identity_token"`
								Status   struct{ Code int }
							}
						}
					} `json:"sharing_message"`
				}
			}
		}
	}
	if err := json.Unmarshal(raw, &envelope); err != nil {
		return reply{}, err
	}
	m := envelope.Response.Result.Data.Message
	r := reply{token: m.Token, published: make(map[string]bool)}
	for _, p := range m.Publications.Entries {
		if p.Status.Code == http.StatusOK {
			r.published[p.Identity] = true
		}
	}
	if m.Token == "" || len(m.Publications.Entries) == 0 {
		return reply{}, fmt.Errorf("no message with publications")
	}
	return r, nil
}

// take returns the answers since it was called last.
func (l *load) take() []reply {
	l.mu.Lock()
	defer l.mu.Unlock()
	answers := l.answers
	l.answers = nil
	return answers
}

package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"herald.example/internal/boltstore"
	"herald.example/internal/command/commandtest"
	"herald.example/internal/site"
)

// firefox is the agent of a person's browser.
const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"

// server is the whole program, run in this process.
type server struct {
	*commandtest.Running
	t        testing.TB
	data     string
	api      string // host:port
	redirect string // host:port; empty when the shortener is apart
	control  string // as --control takes it
}

// start runs "serve" on free ports until the test ends or it is stopped.
func start(t testing.TB, data string, args ...string) *server {
	t.Helper()
	s := &server{Running: commandtest.Start(t, program, serveArgs(data, args...)...), t: t, data: data}
	s.api, s.control = s.Ready["api"].(string), s.Ready["control"].(string)
	s.redirect, _ = s.Ready["redirect"].(string)
	return s
}

// serveArgs is a command line of "serve" on free ports.
func serveArgs(data string, args ...string) []string {
	return append([]string{"serve", "--data", data, "--listen", "127.0.0.1:0", "--redirect-listen", "127.0.0.1:0",
		"--control", "127.0.0.1:0", "--log-format", "json"}, args...)
}

// execute runs one command line as main does.
func execute(t testing.TB, args ...string) (stdout, stderr string, code int) {
	return commandtest.Execute(t, program, args...)
}

// customer is a site with a user who has an identity on the simulated network.
type customer struct {
	public, private string // keys
	user            string // token
}

// addCustomer makes a customer in a data folder that no server has open.
func addCustomer(t testing.TB, data string) customer {
	t.Helper()
	store, err := boltstore.OpenSharing(filepath.Join(data, sharingFile))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	ring, err := site.OpenRing(filepath.Join(data, site.RingFile))
	if err != nil {
		t.Fatal(err)
	}
	directory, err := site.OpenDirectory(t.Context(), store, ring, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	st, keys, err := directory.AddSite(t.Context(), site.SiteDraft{Name: "customer", Simulated: []string{"*"}})
	if err != nil {
		t.Fatal(err)
	}
	person, _, _, err := directory.Login(t.Context(), st.ID, site.Login{
		Provider: site.Simulated, Account: site.Account{ID: "alice", Name: "alice"}, Credentials: site.Credentials{Access: "alice"}, Source: "operator",
	})
	if err != nil {
		t.Fatal(err)
	}
	return customer{keys.Public, string(keys.Private), person.Token}
}

// message is the body of a request that publishes a text with a tracked link.
func (c customer) message(text string) string {
	type object = map[string]any
	body, err := json.Marshal(object{"request": object{"sharing_message": object{
		"publish_for_user": object{"user_token": c.user, "providers": []string{site.Simulated}},
		"parts":            object{"text": object{"body": text}, "link": object{"url": "https://example.com/"}, "flags": object{"enable_tracking": 1}},
	}}})
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return string(body)
}

// send sends a request with the customer's keys and returns status and body.
func (c customer) send(t testing.TB, client *http.Client, method, url, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth(c.public, c.private)
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(raw)
}

// published is what an answer says of a message.
type published struct {
	Token        string
	ShortURLs    []string
	NumReferrals []string // of the URLs, as the details of a message have them
}

// parsePublished reads the answer to publishing, or the details of a message.
func parsePublished(t testing.TB, answer string) (p published) {
	t.Helper()
	var envelope struct {
		Response struct {
			Result struct {
				Data struct {
					Message struct {
						Token        string          `json:"sharing_message_token"`
						Publications json.RawMessage `json:"publications"`
					} `json:"sharing_message"`
				}
			}
		}
	}
	type publication struct {
		Tracked []struct {
			Shorturl struct {
				ShortURL     string `json:"short_url"`
				NumReferrals string `json:"num_referrals"`
			}
		} `json:"tracked_shorturls"`
	}
	if err := json.Unmarshal([]byte(answer), &envelope); err != nil {
		t.Fatalf("answer %s: %v", answer, err)
	}
	m := envelope.Response.Result.Data.Message
	p.Token = m.Token
	var list []publication
	var entries struct{ Entries []publication }
	if err := json.Unmarshal(m.Publications, &list); err != nil {
		if err := json.Unmarshal(m.Publications, &entries); err != nil {
			t.Fatalf("answer %s: %v", answer, err)
		}
		list = entries.Entries
	}
	for _, pub := range list {
		for _, tracked := range pub.Tracked {
			p.ShortURLs = append(p.ShortURLs, tracked.Shorturl.ShortURL)
			p.NumReferrals = append(p.NumReferrals, tracked.Shorturl.NumReferrals)
		}
	}
	return p
}

// visit follows a short URL as a person's browser does, without going where it
// leads.
func visit(t testing.TB, transport http.RoundTripper, url string) (status int, header http.Header) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("User-Agent", firefox)
	response, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode, response.Header
}

// controlGet reads a path of the control interface.
func (s *server) controlGet(path string) (int, string) {
	s.t.Helper()
	token, err := os.ReadFile(filepath.Join(s.data, "control.token"))
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.control+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return response.StatusCode, string(raw)
}

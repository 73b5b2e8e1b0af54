package mastodon_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"herald.example/internal/network"
	"herald.example/internal/network/contract"
	"herald.example/internal/network/mastodon"
	"herald.example/internal/network/mastodon/double"
	"herald.example/internal/publish"
	"herald.example/internal/publish/render"
	"herald.example/internal/site"
)

// message is a post with a picture.
func message(t *testing.T) render.Post {
	return render.Post{Key: "the-key", Created: time.Now().UnixMilli(), Text: "A picture",
		Media: []render.Media{{Name: "secret name.png", Type: "image/png", Alt: "a field", Data: contract.PNG(t, 8, 8)}}}
}

// kindOf is the kind of an error, and its status.
func kindOf(err error) (publish.Kind, int) {
	if e, ok := errors.AsType[*publish.Error](err); ok {
		return e.Kind, e.Status
	}
	return "", 0
}

// TestTranscript shows all calls of a post, as the server sees them.
func TestTranscript(t *testing.T) {
	for _, test := range []struct {
		name string
		o    double.Options
		want string
	}{
		{"Mastodon", double.Options{}, `
GET /api/v2/instance 200
POST /api/v2/media as alice file=image/png of SIZE bytes 200
POST /api/v1/statuses as alice media_ids[]=["102"] status=["A picture"] key 1 200
GET /api/v1/accounts/101/statuses?limit=40&exclude_reblogs=true as alice 200`},
		{"only the first version", double.Options{FirstOnly: true}, `
GET /api/v2/instance 404
GET /api/v1/instance 200
POST /api/v2/media 404
POST /api/v1/media as alice file=image/png of SIZE bytes 200
POST /api/v1/statuses as alice media_ids[]=["102"] status=["A picture"] key 1 200
GET /api/v1/accounts/101/statuses?limit=40&exclude_reblogs=true as alice 200`},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := double.NewWith(t, test.o)
			alice := s.AddAccount("alice").Opened()
			n := open(time.Now)
			post := message(t)
			if _, err := n.Profile(t.Context(), alice); err != nil {
				t.Fatal(err)
			}
			receipt, err := n.Post(t.Context(), alice, post)
			if err != nil {
				t.Fatal(err)
			}
			found, finding, err := n.Find(t.Context(), alice, post)
			if err != nil || finding != publish.Found || found != receipt {
				t.Errorf("got finding %d, %+v, %v; want %d, %+v", finding, found, err, publish.Found, receipt)
			}
			want := strings.ReplaceAll(strings.TrimSpace(test.want), "SIZE", strconv.Itoa(len(post.Media[0].Data)))
			if diff := cmp.Diff(want, s.Transcript()); diff != "" {
				t.Errorf("transcript (-want +got):\n%s", diff)
			}
			posts := s.Posts("alice")
			if len(posts) != 1 || len(posts[0].Files) != 1 || posts[0].Files[0].Description != "a field" || posts[0].Key != "the-key" {
				t.Errorf("got posts %+v; want one with a described picture", posts)
			}
		})
	}
}

// memory is a transport that calls a handler: no socket, so that a bubble's time
// can pass.
type memory struct{ handler http.Handler }

func (m memory) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	received := r.Clone(r.Context())
	if received.Body == nil {
		received.Body = http.NoBody // a server has always one
	}
	m.handler.ServeHTTP(w, received)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return w.Result(), nil
}

// TestProcessing lets files take their time on the server.
func TestProcessing(t *testing.T) {
	for _, test := range []struct {
		name     string
		looks    int // until the file is ready
		deadline time.Duration
		fault    *contract.Fault
		took     time.Duration
		kind     publish.Kind
	}{
		{"ready at once", 0, 0, nil, 0, ""},
		{"ready at the first look", 1, 0, nil, time.Second, ""},
		{"ready later", 4, 0, nil, 15 * time.Second, ""},
		{"never ready", 1000, 0, nil, 127 * time.Second, publish.Transient},
		{"caller in a hurry", 4, 10 * time.Second, nil, 10 * time.Second, publish.Transient},
		{"bad in the end", 4, 0, &contract.Fault{Call: "GET /api/v1/media/*", Skip: 1, Status: 422, Body: `{"error":"Error processing media"}`}, 3 * time.Second, publish.MediaInvalid},
		{"lost in the end", 4, 0, &contract.Fault{Call: "GET /api/v1/media/*", Skip: 1, Status: 404}, 3 * time.Second, publish.MediaInvalid},
		{"server is busy", 4, 0, &contract.Fault{Call: "GET /api/v1/media/*", Status: 503}, time.Second, publish.Transient},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := double.NewWith(t, double.Options{Processing: test.looks})
			alice := s.AddAccount("alice").Opened()
			if test.fault != nil {
				s.Fault(*test.fault)
			}
			synctest.Test(t, func(t *testing.T) {
				n := mastodon.New(network.NewClient(memory{s.Handler()}), time.Now)
				ctx := t.Context()
				if test.deadline > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, test.deadline)
					defer cancel()
				}
				began := time.Now()
				_, err := n.Post(ctx, alice, message(t))
				if kind, _ := kindOf(err); kind != test.kind || (err == nil) != (test.kind == "") {
					t.Errorf("got %v; want kind %q", err, test.kind)
				}
				if took := time.Since(began); took != test.took {
					t.Errorf("got an end after %v; want %v", took, test.took)
				}
			})
			if got, want := len(s.Posts("alice")), map[bool]int{true: 1}[test.kind == ""]; got != want {
				t.Errorf("got %d posts; want %d", got, want)
			}
		})
	}
}

// TestUploadFails lets the upload fail: whatever becomes of it, no post is made, and
// where nothing was said it may be repeated.
func TestUploadFails(t *testing.T) {
	s := double.New(t)
	alice := s.AddAccount("alice").Opened()
	n := open(time.Now)
	const call = "POST /api/v2/media"
	for _, test := range []struct {
		name  string
		fault contract.Fault
		kind  publish.Kind
	}{
		{"server fails", contract.Fault{Call: call, Status: 500}, publish.Transient},
		{"server cannot make a thumbnail", contract.Fault{Call: call, Status: 500, Body: `{"error":"Error processing thumbnail for uploaded media"}`}, publish.MediaInvalid},
		{"closed", contract.Fault{Call: call, Act: contract.Close}, publish.Transient},
		{"half an answer", contract.Fault{Call: call, Act: contract.Half, Lands: true}, publish.Transient},
		{"no file named", contract.Fault{Call: call, Status: 200, Body: `{}`}, publish.Transient},
		{"too large", contract.Fault{Call: call, Status: 413, Body: "<html>"}, publish.MediaInvalid},
		{"too fast", contract.Fault{Call: call, Status: 429}, publish.RateLimited},
		{"bad token", contract.Fault{Call: call, Token: string(alice.Credentials.Access), Status: 401}, publish.AuthRevoked},
		{"neither version", contract.Fault{Call: "POST /api/*/media", Times: -1}, ""},
	} {
		if test.kind == "" {
			s.Fault(contract.Fault{Call: call, Status: 404})
			test.fault, test.kind = contract.Fault{Call: "POST /api/v1/media", Status: 404}, publish.AppMisconfigured
		}
		s.Fault(test.fault)
		_, err := n.Post(t.Context(), alice, message(t))
		if kind, _ := kindOf(err); kind != test.kind {
			t.Errorf("%s: got %v; want kind %s", test.name, err, test.kind)
		}
		s.Faults().Reset()
	}
	if got := len(s.Posts("alice")); got != 0 {
		t.Errorf("got %d posts; want none", got)
	}
	bad := message(t)
	bad.Media[0].Data = []byte("no picture")
	if kind, status := kindOf(second(n.Post(t.Context(), alice, bad))); kind != publish.MediaInvalid || status != 422 {
		t.Errorf("bad picture: got %s, status %d; want %s, 422", kind, status, publish.MediaInvalid)
	}
}

func second(_ publish.Receipt, err error) error { return err }

// TestProfile asks a server for its limits, and remembers them for an hour; one
// that does not answer is asked again after a minute.
func TestProfile(t *testing.T) {
	now := time.Now()
	s := double.NewWith(t, double.Options{Characters: 777, URLCost: 31})
	alice := s.AddAccount("alice").Opened()
	n := open(func() time.Time { return now })
	want := func(when string, characters, urlCost, asked int) {
		t.Helper()
		p, err := n.Profile(t.Context(), alice)
		if diff := cmp.Diff(render.Mastodon(characters, urlCost, 4), p); diff != "" || err != nil {
			t.Errorf("%s: profile, %v (-want +got):\n%s", when, err, diff)
		}
		if got := strings.Count(s.Transcript(), "GET /api/v2/instance"); got != asked {
			t.Errorf("%s: got it asked %d times; want %d", when, got, asked)
		}
	}
	s.Fault(contract.Fault{Call: "GET /api/v2/instance", Status: 503})
	want("it fails", 500, 23, 1)
	want("it has failed", 500, 23, 1)
	now = now.Add(time.Minute)
	want("a minute later", 777, 31, 2)
	now = now.Add(time.Hour - 1)
	want("nearly an hour later", 777, 31, 2)
	now = now.Add(1)
	want("an hour later", 777, 31, 3)

	alice.Account = site.Account{}
	if p, err := n.Profile(t.Context(), alice); err != nil || cmp.Diff(render.Mastodon(500, 23, 4), p) != "" {
		t.Errorf("no server: got %+v, %v; want the defaults", p, err)
	}
	if kind, _ := kindOf(second(n.Post(t.Context(), alice, message(t)))); kind != publish.AppMisconfigured {
		t.Errorf("no server: got %s; want %s", kind, publish.AppMisconfigured)
	}
}

// TestFindInTime asks for posts that are not there: within the hour in which
// Mastodon keeps keys they are absent, afterwards nobody knows.
func TestFindInTime(t *testing.T) {
	now := time.Now()
	s := double.NewWith(t, double.Options{Now: func() time.Time { return now }})
	alice := s.AddAccount("alice").Opened()
	n := open(func() time.Time { return now })
	find := func(name string, post render.Post, want publish.Finding) {
		t.Helper()
		if _, finding, err := n.Find(t.Context(), alice, post); finding != want || err != nil {
			t.Errorf("%s: got finding %d, %v; want %d", name, finding, err, want)
		}
	}
	post := render.Post{Key: "one", Text: "The same words", Created: now.UnixMilli()}
	find("never made", post, publish.Absent)
	if _, err := n.Post(t.Context(), alice, post); err != nil {
		t.Fatal(err)
	}
	find("made", post, publish.Found)

	now = now.Add(10 * time.Minute)
	again := render.Post{Key: "two", Text: post.Text, Created: now.UnixMilli()}
	find("the same words, of before", again, publish.Absent)
	now = now.Add(55 * time.Minute)
	find("never made, an hour ago", again, publish.Uncertain)
	find("made, an hour ago", post, publish.Found)

	s.Fault(contract.Fault{Call: "GET /api/v1/accounts/*", Status: 500})
	if _, finding, err := n.Find(t.Context(), alice, post); err == nil || finding != publish.Uncertain {
		t.Errorf("server fails: got finding %d, %v; want %d and an error", finding, err, publish.Uncertain)
	}
	now = now.Add(time.Minute)
	fresh := render.Post{Key: "three", Text: "Other words", Created: now.UnixMilli()}
	s.Fault(contract.Fault{Call: "GET /api/v2/instance", Status: 500})
	if _, finding, err := n.Find(t.Context(), alice, fresh); err == nil || finding != publish.Uncertain {
		t.Errorf("server does not say what it is: got finding %d, %v; want %d and an error", finding, err, publish.Uncertain)
	}
}

// TestIntroduce asks whose token it is, knowing as little as will do.
func TestIntroduce(t *testing.T) {
	s := double.New(t)
	account := s.AddAccount("alice")
	n := open(time.Now)
	who := site.Opened{Account: site.Account{Server: strings.ToUpper(account.Server[:4]) + account.Server[4:] + "/"}, Credentials: account.Opened().Credentials}
	got, profile, _, err := n.Introduce(t.Context(), who)
	if err != nil || got != account.Opened().Account {
		t.Errorf("got %+v, %v; want %+v", got, err, account.Opened().Account)
	}
	want := site.Profile{DisplayName: "The alice", Username: "alice", About: "Writes & reads\nall day", Picture: account.Server + "/avatar.png", Languages: []string{"en"}}
	if diff := cmp.Diff(want, profile); diff != "" {
		t.Errorf("profile (-want +got):\n%s", diff)
	}
	for _, body := range []string{"", "<html>", "{}", `{"id":"1"}`, `{"id":"1@x","username":"a"}`, `{"id":"1","username":"a@b"}`, `{"id":"1","username":"a\nb"}`, `{"id":1,"username":"a"}`} {
		s.Fault(contract.Fault{Call: "GET /api/v1/accounts/verify_credentials", Status: 200, Body: body})
		_, _, _, err := n.Introduce(t.Context(), who)
		if kind, _ := kindOf(err); kind != publish.AppMisconfigured {
			t.Errorf("answer %q: got %v; want kind %s", body, err, publish.AppMisconfigured)
		}
		s.Faults().Reset()
	}
	who.Credentials = site.Credentials{}
	_, _, _, err = n.Introduce(t.Context(), who)
	if kind, _ := kindOf(err); kind != publish.AuthRevoked {
		t.Errorf("no token: got %v; want kind %s", err, publish.AuthRevoked)
	}
}

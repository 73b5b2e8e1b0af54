// Package double is a Mastodon server for tests, with accounts, tokens, files and
// posts, as strict as Mastodon's documents say. What no adapter may ask fails the
// test. It serves until the test ends.
package double

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"herald.example/internal/network/contract"
	"herald.example/internal/site"
)

// Options make a server another one than today's Mastodon.
type Options struct {
	Version     string           // empty: 4.4.2
	FirstOnly   bool             // there is no /api/v2, for instance and media
	ForgetsKeys bool             // Idempotency-Key is ignored; a key that comes twice fails the test
	Processing  int              // how often an uploaded file is said to be in work
	Characters  int              // of a post; 0: 500
	URLCost     int              // 0: 23
	Now         func() time.Time // nil: time.Now
}

// Server is a Mastodon server.
type Server struct {
	t      testing.TB
	o      Options
	web    *httptest.Server
	faults contract.Faults

	mu         sync.Mutex
	accounts   []*account // all below guarded by mu
	files      map[string]*file
	posts      []*Post
	last       int // ID that was given out last
	requests   int
	keys       map[string]int // numbers of idempotency keys in the transcript
	transcript []string
}

// Account is an account as an adapter knows it.
type Account struct {
	ID     string // as the adapter makes it: the server's ID, @ and host
	Name   string // name@host
	Server string
	URL    string
	Token  string
}

// Opened is the account with its credentials.
func (a Account) Opened() site.Opened {
	return site.Opened{Site: "site", Identity: "identity", Provider: "mastodon",
		Account:     site.Account{ID: a.ID, Name: a.Name, Server: a.Server, URL: a.URL},
		Credentials: site.Credentials{Access: site.Secret(a.Token)}}
}

// Post is a post as readers see it.
type Post struct {
	ID      string
	URL     string
	Author  string // name of the account
	Text    string // plain, as it was sent
	URLs    []string
	Files   []File
	Created time.Time
	Content string // HTML
	Key     string // Idempotency-Key
}

// File is a file of a post.
type File struct {
	Type, Description string
	Data              []byte
}

type account struct {
	id, name, token string
	scopes          []string
	revoked         bool
}

type file struct {
	File
	id, owner string
	work      int // how often it is still said to be in work
	used      bool
}

// New starts a server as Mastodon is.
func New(t testing.TB) *Server { return NewWith(t, Options{}) }

// NewWith starts a server with options.
func NewWith(t testing.TB, o Options) *Server {
	t.Helper()
	if o.Version == "" {
		o.Version = "4.4.2"
	}
	if o.Characters == 0 {
		o.Characters = 500
	}
	if o.URLCost == 0 {
		o.URLCost = 23
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Server{t: t, o: o, files: map[string]*file{}, keys: map[string]int{}, last: 100}
	s.web = httptest.NewServer(s.Handler())
	t.Cleanup(s.web.Close)
	return s
}

// URL is the base URL of the server.
func (s *Server) URL() string { return s.web.URL }

// Host is the host of the server, with its port.
func (s *Server) Host() string { return s.web.Listener.Addr().String() }

// AddAccount makes an account with a token of some scopes; none are read and
// write.
func (s *Server) AddAccount(name string, scopes ...string) Account {
	if len(scopes) == 0 {
		scopes = []string{"read", "write"}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a := &account{id: s.next(), name: name, token: "token-" + uuid.NewString(), scopes: scopes}
	s.accounts = append(s.accounts, a)
	return Account{ID: a.id + "@" + s.Host(), Name: name + "@" + s.Host(), Server: s.URL(), URL: s.profile(a), Token: a.token}
}

// Revoke makes a token worth nothing.
func (s *Server) Revoke(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.accounts {
		if a.token == token {
			a.revoked = true
			return
		}
	}
	s.t.Errorf("revoke: there is no such token")
}

// Posts are the posts of an account, the oldest first.
func (s *Server) Posts(name string) []Post {
	s.mu.Lock()
	defer s.mu.Unlock()
	var posts []Post
	for _, p := range s.posts {
		if p.Author == name {
			posts = append(posts, *p)
		}
	}
	return posts
}

// Fault lets the server do something wrong.
func (s *Server) Fault(f contract.Fault) { s.faults.Add(f) }

// Faults are all that the server shall do wrong.
func (s *Server) Faults() *contract.Faults { return &s.faults }

// Transcript is all requests so far, one a line, with what was answered. Tokens are
// named by their accounts, and idempotency keys numbered.
func (s *Server) Transcript() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.transcript, "\n")
}

// next gives out an ID; mu is held.
func (s *Server) next() string {
	s.last++
	return strconv.Itoa(s.last)
}

// profile is the URL of an account.
func (s *Server) profile(a *account) string { return s.web.URL + "/@" + a.name }

// entry is a line of the transcript in the making.
type entry struct {
	line   strings.Builder
	status int
}

type entryKey struct{}

// Handler is the server without its socket: for tests that let time pass in a
// bubble, where nothing may wait for a socket.
func (s *Server) Handler() http.Handler {
	api := s.faults.Handler(http.HandlerFunc(s.serve))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e := &entry{}
		fmt.Fprintf(&e.line, "%s %s", r.Method, r.URL.RequestURI())
		defer func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			if e.status == 0 {
				e.line.WriteString(" (fault)")
			} else {
				fmt.Fprintf(&e.line, " %d", e.status)
			}
			s.transcript = append(s.transcript, e.line.String())
		}()
		s.inspect(r)
		api.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), entryKey{}, e)))
	})
}

// inspect fails the test when a request shows a token where logs would keep it, or
// does not name its sender.
func (s *Server) inspect(r *http.Request) {
	s.mu.Lock()
	tokens := make([]string, len(s.accounts))
	for i, a := range s.accounts {
		tokens[i] = a.token
	}
	s.mu.Unlock()
	if slices.ContainsFunc(tokens, func(token string) bool { return strings.Contains(r.URL.RequestURI(), token) }) || r.URL.Query().Has("access_token") {
		s.t.Errorf("%s %s: there is a token in the URL", r.Method, r.URL.Path)
	}
	if r.Header.Get("User-Agent") != "Herald" {
		s.t.Errorf("%s %s: got User-Agent %q; want Herald", r.Method, r.URL.Path, r.Header.Get("User-Agent"))
	}
}

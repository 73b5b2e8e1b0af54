package operator_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"herald.example/internal/boltstore"
	"herald.example/internal/control"
	"herald.example/internal/link"
	"herald.example/internal/operator"
	"herald.example/internal/publish"
	"herald.example/internal/site"
)

// world is a directory on disk, a publisher that asks a network of the test, and
// the implementation under test in front of both.
type world struct {
	*testing.T
	operator.Operations
	dir   *site.Directory
	store *boltstore.Sharing
}

// publisher is the outside world of a desk: a network that knows who holds which
// token, and the messages of the store.
type publisher struct {
	dir *site.Directory
	*boltstore.Sharing
}

// publicKey is one of RSA.
const publicKey = `-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA1Q8sa/zD8ofTc1rIYvcP
7giWvoFGUDIh2XPQNcBvfZ3Apg96EFMXMvJgS2bJpCJIfkvaQKVyUluzBrWEFaQO
Y/4szPwU4diWrGmbN/JDd1+69V9SXOLcdvSPdGhZ0QsFAGFpWHxO8y5JRHGBXplS
EzKQXDCp82sEvwRugAUsjicZfh9ch9JxNF3N9krVp970WyyHfc2wSztpWissXNbp
aqUyQRWlXa/DaV0DidaS94+VAb4Ej0yrRtSN7iaHkORCmpFKmlKeddMR904ripWD
mpdSOHfOmLX53FC+hhAbupKwPOPWfpAWWaSQSuiLISKINmhtklEMRTDMPZJ7gbNR
4wIDAQAB
-----END PUBLIC KEY-----
`

// goodToken opens the account of alice, and goodPassword that of bob.
const (
	goodToken    = "good-access-token"
	goodPassword = "good app password"
)

// Import is a network that is strict, and repeats in its words what it was sent.
func (p publisher) Import(ctx context.Context, s site.Site, login site.Login) (site.Person, site.Identity, site.Connection, error) {
	refuse := func(err error) (site.Person, site.Identity, site.Connection, error) {
		return site.Person{}, site.Identity{}, site.Connection{}, err
	}
	c := login.Credentials
	switch {
	case login.Provider == "leaky":
		return refuse(fmt.Errorf("Get \"https://leaky.example/?access_token=%s\": connection refused", string(c.Access)))
	case login.Provider != "mastodon" && login.Provider != "bluesky":
		return refuse(fmt.Errorf("%w: %q", site.ErrProvider, login.Provider))
	case login.Account.Server == "":
		return refuse(fmt.Errorf("%w: %s needs the server", site.ErrAccount, login.Provider))
	case login.Provider == "mastodon" && c.Access == goodToken && c.Secret == "":
		login.Account.ID, login.Account.Name, login.Account.URL = "https://social.example/users/alice", "alice@social.example", "https://social.example/@alice"
		login.Profile = site.Profile{DisplayName: "Alice"}
	case login.Provider == "bluesky" && c.Secret == goodPassword && c.Access == "" && login.Account.Name == "bob.example":
		login.Account.ID = "did:plc:bob"
		login.Credentials = site.Credentials{Access: "session", Refresh: "refresh", Secret: c.Secret}
	default:
		return refuse(&publish.Error{
			Kind: publish.AuthRevoked, Network: login.Provider, Message: fmt.Sprintf("token %s%s is not known", string(c.Access), string(c.Secret)),
			Status: 401, Code: "invalid_token", Trace: "t1", Err: errors.New(string(c.Access)),
		})
	}
	return p.dir.Login(ctx, s.ID, login)
}

// Providers are those that Import knows.
func (p publisher) Providers(s site.Site) []publish.Provider {
	return []publish.Provider{
		{Key: "bluesky", Name: "Bluesky", Available: true, Server: true, Simulated: s.Simulates("bluesky")},
		{Key: "mastodon", Name: "Mastodon", Available: true, Server: true, Simulated: s.Simulates("mastodon")},
	}
}

// Bases are two domains.
func (p publisher) Bases(context.Context) (link.Bases, error) {
	return link.ParseBases([]string{"http://127.0.0.1:8080", "https://go.example.com"})
}

// Messages is the list under the name that a publisher gives it.
func (p publisher) Messages(ctx context.Context, siteID string, q site.ListQuery) (site.Page[publish.Head], error) {
	return p.List(ctx, siteID, q)
}

// newWorld makes a world whose operations are those of make.
func newWorld(t *testing.T, log io.Writer, implement func(*testing.T, *site.Directory, operator.Publisher, *slog.Logger) operator.Operations) world {
	t.Helper()
	dir, pub := newDirectory(t)
	ops := implement(t, dir, pub, slog.New(slog.NewTextHandler(log, nil)))
	return world{t, ops, dir, pub.Sharing}
}

// newDirectory opens a directory on an empty store, until the test ends, and a
// publisher.
func newDirectory(t testing.TB) (*site.Directory, publisher) {
	t.Helper()
	data := t.TempDir()
	store, err := boltstore.OpenSharing(filepath.Join(data, "sharing.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Errorf("close store: got %v; want nil", err)
		}
	})
	ring, err := site.OpenRing(filepath.Join(data, site.RingFile))
	if err != nil {
		t.Fatal(err)
	}
	dir, err := site.OpenDirectory(t.Context(), store, ring, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return dir, publisher{dir, store}
}

// inProcess is the desk.
func inProcess(_ *testing.T, dir *site.Directory, pub operator.Publisher, _ *slog.Logger) operator.Operations {
	return operator.NewDesk(dir, pub)
}

// overWire is a client of a handler that is served at addr.
func overWire(addr func(t *testing.T) string) func(*testing.T, *site.Directory, operator.Publisher, *slog.Logger) operator.Operations {
	return func(t *testing.T, dir *site.Directory, pub operator.Publisher, log *slog.Logger) operator.Operations {
		where := serve(t, addr(t), operator.NewHandler(dir, pub, token, log))
		client, err := operator.NewClient(where, token)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(client.Close)
		return client
	}
}

// serve serves a handler beside another one, as a control listener does, until the
// test ends. It returns the address as a client takes it.
func serve(t *testing.T, addr string, handler http.Handler) string {
	t.Helper()
	ln, err := control.Listen(addr, false)
	if err != nil {
		t.Fatal(err)
	}
	routes := http.NewServeMux()
	for _, pattern := range operator.Patterns {
		routes.Handle(pattern, handler)
	}
	routes.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "somebody else's", http.StatusTeapot) })
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- control.Serve(ctx, ln, routes, 5*time.Second, slog.New(slog.DiscardHandler)) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("stop control: got %v; want nil", err)
		}
	})
	if ln.Addr().Network() == "unix" {
		return "unix:" + ln.Addr().String()
	}
	return ln.Addr().String()
}

func anyPort(*testing.T) string { return "127.0.0.1:0" }

// lockedBuffer is a log that may be written and read at once.
type lockedBuffer struct {
	mu   sync.Mutex // protects text
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

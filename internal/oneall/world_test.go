package oneall

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"herald.example/internal/boltstore"
	"herald.example/internal/fetch"
	"herald.example/internal/link"
	"herald.example/internal/publish"
	"herald.example/internal/publish/render"
	"herald.example/internal/site"
)

// world is a handler with everything behind it: the real directory, publisher and
// store, and doubles for what is outside: networks, and the shortener's process.
type world struct {
	*testing.T
	store     *boltstore.Sharing
	directory *site.Directory
	links     *shortener
	network   *network
	options   Options
	handler   *Handler
	log       *strings.Builder

	site site.Site
	keys site.NewKeys
}

// start is when worlds begin, for the clock of answers.
var start = time.Date(2025, 3, 4, 10, 15, 30, 0, time.UTC)

// newWorld makes a world with one site, acme, whose handler is made from the options
// that with changes.
func newWorld(t *testing.T, with ...func(*Options)) *world {
	t.Helper()
	w := &world{T: t, links: newShortener(), network: &network{release: make(chan struct{})}, log: new(strings.Builder)}
	dir := t.TempDir()
	var err error
	if w.store, err = boltstore.OpenSharing(filepath.Join(dir, "sharing.db")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.store.Close() })
	ring, err := site.OpenRing(filepath.Join(dir, "keys"))
	if err != nil {
		t.Fatal(err)
	}
	if w.directory, err = site.OpenDirectory(t.Context(), w.store, ring, time.Now); err != nil {
		t.Fatal(err)
	}
	w.site, w.keys = w.addSite("acme")

	publisher := publish.New(publish.Options{
		Store: w.store, Directory: w.directory, Links: w.links, Networks: w.network, Fetcher: noFetcher{}, Wait: 300 * time.Millisecond, Drain: time.Millisecond,
	})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- publisher.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("publisher ended: %v", err)
		}
	})
	w.options = Options{
		Directory: w.directory, Publisher: publisher, Links: w.links,
		Now:        func() time.Time { return start },
		BaseDomain: "herald.test",
		Log:        slog.New(slog.NewTextHandler(w.log, nil)),
	}
	for _, change := range with {
		change(&w.options)
	}
	w.handler = NewHandler(w.options)
	return w
}

// addSite makes a site.
func (w *world) addSite(name string) (site.Site, site.NewKeys) {
	w.Helper()
	s, keys, err := w.directory.AddSite(w.Context(), site.SiteDraft{Name: name})
	if err != nil {
		w.Fatal(err)
	}
	return s, keys
}

// login lets an account of a provider arrive for a user, or for a new one. Its access
// token says how the network will behave: see network.
func (w *world) login(user, provider, access string) (site.Person, site.Identity, site.Connection) {
	w.Helper()
	return w.loginAt(w.site, user, provider, access)
}

func (w *world) loginAt(s site.Site, user, provider, access string) (site.Person, site.Identity, site.Connection) {
	w.Helper()
	account, profile, credentials, err := (&network{}).Introduce(w.Context(), site.Opened{Provider: provider, Credentials: site.Credentials{Access: site.Secret(access)}})
	if err != nil {
		w.Fatal(err)
	}
	p, i, c, err := w.directory.Login(w.Context(), s.ID, site.Login{
		User: user, Provider: provider, Account: account, Profile: profile, Credentials: credentials, Source: "operator",
	})
	if err != nil {
		w.Fatal(err)
	}
	return p, i, c
}

// user is a user with an identity on each of the providers.
func (w *world) user(providers ...string) site.Person {
	w.Helper()
	var p site.Person
	for i, provider := range providers {
		p, _, _ = w.login(p.Token, provider, fmt.Sprintf("good-%s-%d-%d", provider, i, w.network.next()))
	}
	return p
}

// empty fails the test when anything of what publishing makes is in the store or with
// the shortener.
func (w *world) empty() {
	w.Helper()
	page, err := w.store.List(w.Context(), w.site.ID, site.ListQuery{Limit: 10})
	if err != nil || page.Total != 0 {
		w.Errorf("got %d messages, error %v; want none", page.Total, err)
	}
	if n, err := w.store.Waiting(w.Context()); err != nil || n != 0 {
		w.Errorf("got %d publications in the outbox, error %v; want none", n, err)
	}
	if n := w.links.count(); n != 0 {
		w.Errorf("got %d links; want none", n)
	}
}

// network is a double of all networks. An access token that begins with one of these
// words decides what becomes of a post: refuse (content_rejected), expired
// (auth_revoked), duplicate, hang (until release is closed), lost (no answer); others
// publish it. Credentials that begin with "bad" are nobody's.
type network struct {
	release chan struct{}

	mu    sync.Mutex // protects what follows
	posts []render.Post
	made  int
}

var providersKnown = []publish.Provider{
	{Key: "bluesky", Name: "Bluesky", Available: true, Server: true},
	{Key: "facebook", Name: "Facebook", Available: true},
	{Key: "linkedin", Name: "LinkedIn", Available: true},
	{Key: "mastodon", Name: "Mastodon", Available: true, Server: true},
	{Key: "twitter", Name: "Twitter", Available: true},
	{Key: "youtube", Name: "YouTube"},
}

func (n *network) next() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.made++
	return n.made
}

func (n *network) Providers(site.Site) []publish.Provider { return providersKnown }

func (n *network) Network(_ site.Site, provider string) (publish.Network, error) {
	for _, p := range providersKnown {
		if p.Key == provider && p.Available {
			return n, nil
		} else if p.Key == provider {
			return nil, &publish.Error{Kind: publish.Unsupported, Network: provider, Message: "YouTube cannot be published to yet"}
		}
	}
	return nil, fmt.Errorf("%w: %s", site.ErrProvider, provider)
}

func (n *network) Profile(_ context.Context, who site.Opened) (render.Profile, error) {
	p, known := render.For(who.Provider)
	if !known {
		return p, errors.New("no profile of " + who.Provider)
	}
	return p, nil
}

func (n *network) Post(ctx context.Context, who site.Opened, post render.Post) (publish.Receipt, error) {
	refuse := func(kind publish.Kind, message string) (publish.Receipt, error) {
		return publish.Receipt{}, &publish.Error{Kind: kind, Network: who.Provider, Message: message, Status: 422}
	}
	switch word, _, _ := strings.Cut(string(who.Credentials.Access), "-"); word {
	case "refuse":
		return refuse(publish.ContentRejected, "This content is against our rules")
	case "expired":
		return refuse(publish.AuthRevoked, "The user removed the app")
	case "duplicate":
		return refuse(publish.Duplicate, "Status is a duplicate")
	case "lost":
		return refuse(publish.UnknownOutcome, "")
	case "hang":
		select {
		case <-n.release:
		case <-ctx.Done():
			return publish.Receipt{}, ctx.Err()
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.posts = append(n.posts, post)
	return publish.Receipt{ID: fmt.Sprint(len(n.posts)), URL: "https://network.example/1"}, nil
}

func (n *network) Introduce(_ context.Context, who site.Opened) (site.Account, site.Profile, site.Credentials, error) {
	access := string(who.Credentials.Access)
	if access == "" {
		access = string(who.Credentials.Secret)
	}
	if strings.HasPrefix(access, "bad") {
		return site.Account{}, site.Profile{}, site.Credentials{}, &publish.Error{Kind: publish.AuthRevoked, Network: who.Provider, Message: "Invalid access token", Status: 401}
	}
	name := who.Account.Name
	if name == "" {
		name = "alice"
	}
	account := site.Account{ID: "id-" + access, Name: name, Server: who.Account.Server, URL: "https://network.example/@alice"}
	profile := site.Profile{
		DisplayName: "Alice Example", Username: name, GivenName: "Alice", FamilyName: "Example", About: "Writes <things> & more", Location: "Zürich",
		Picture: "https://network.example/alice.png", Email: "alice@example.com", Languages: []string{"de", "en"},
	}
	return account, profile, who.Credentials, nil
}

// noFetcher brings nothing from the web.
type noFetcher struct{}

func (noFetcher) Fetch(context.Context, string, int64) (fetch.Media, error) {
	return fetch.Media{}, &publish.Error{Kind: publish.MediaInvalid, Message: "This file cannot be fetched"}
}

// do sends a request as the site and holds what comes against everything that all
// answers have in common.
func (w *world) do(method, path, body string, with ...func(*http.Request)) reply {
	w.Helper()
	return w.send(method, path, body, append([]func(*http.Request){asSite(w.keys)}, with...)...)
}

// asSite sends keys along.
func asSite(keys site.NewKeys) func(*http.Request) {
	return func(r *http.Request) { r.SetBasicAuth(keys.Public, string(keys.Private)) }
}

// header sets a header.
func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

// host sets the host.
func host(name string) func(*http.Request) {
	return func(r *http.Request) { r.Host = name }
}

// refAt is a link's name on the default domain of the double.
func refAt(slug string) link.Ref { return link.Ref{Domain: "sho.example.com", Slug: slug} }

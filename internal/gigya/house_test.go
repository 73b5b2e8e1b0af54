package gigya

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"herald.example/internal/boltstore"
	"herald.example/internal/counter"
	"herald.example/internal/counter/ledger"
	"herald.example/internal/fetch"
	"herald.example/internal/link"
	"herald.example/internal/network"
	"herald.example/internal/network/simulated"
	"herald.example/internal/publish"
	"herald.example/internal/shortener"
	"herald.example/internal/site"
)

// shortDomain is where the short URLs of houses live.
const shortDomain = "sho.example.com"

// house is a world in which everything is real: the store, the directory, the publisher
// and the shortener, behind all methods. The simulated network stands in for all
// providers, and only what is fetched from the web is a double. Its clock begins at
// start and goes as time does, which in a bubble of synctest is the bubble's.
type house struct {
	*world
	store     *boltstore.Sharing
	directory *site.Directory
	publisher *publish.Publisher
	shortener *shortener.Service
	posts     *boltstore.Simulated
	opened    time.Time
	calls     int
}

// newHouse makes a house with one site, which is found by apiKey and opened by
// siteSecret. with may change what the publisher is made from.
func newHouse(t testing.TB, with ...func(*publish.Options)) *house {
	t.Helper()
	h := new(house)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	var err error
	h.store, err = boltstore.OpenSharing(filepath.Join(dir, "sharing.db"))
	must(err)
	t.Cleanup(func() { h.store.Close() })
	ring, err := site.OpenRing(filepath.Join(dir, "keys"))
	must(err)
	h.directory, err = site.OpenDirectory(t.Context(), h.store, ring, time.Now)
	must(err)
	h.posts, err = boltstore.OpenSimulated(filepath.Join(dir, "simulated.db"))
	must(err)
	t.Cleanup(func() { h.posts.Close() })
	bases, err := link.ParseBases([]string{"http://" + shortDomain})
	must(err)
	h.shortener, err = shortener.Open(shortener.Settings{
		Data: filepath.Join(dir, "links"), Bases: bases,
		Counter: counter.Options{Flush: 10 * time.Millisecond, Ledger: ledger.Options{RingBytes: 64 << 10}}, // small, since most houses have no visitors
	})
	must(err)
	t.Cleanup(func() { h.shortener.Close() })

	o := publish.Options{
		Store: h.store, Directory: h.directory, Links: h.shortener, Fetcher: web{},
		Networks: network.NewSet(nil, simulated.New(h.posts, simulated.Options{}).As),
	}
	for _, change := range with {
		change(&o)
	}
	h.publisher = publish.New(o)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- h.publisher.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		must(<-ended)
	})

	s, _, err := h.directory.AddSite(t.Context(), site.SiteDraft{Name: "acme", Simulated: []string{"*"}})
	must(err)
	h.world = newWorld(t, func(o *Options) {
		o.Nonces, o.Directory, o.Publisher, o.Links = h.store, h.directory, h.publisher, h.shortener
		o.Reports, o.Places = h.store, h.directory
		o.Now = func() time.Time { return start.Add(time.Since(h.opened)) }
	})
	keys := h.keyring[apiKey]
	keys.Site = s
	h.keyring[apiKey] = keys
	h.handler.methods = methods
	h.opened = time.Now()
	return h
}

// settings changes what the site has for the dialect.
func (h *house) settings(change func(*site.Gigya)) {
	keys := h.keyring[apiKey]
	change(&keys.Site.Gigya)
	h.keyring[apiKey] = keys
}

// connect connects the user with a UID, who is made when there is none, to providers.
// In a provider's name directives for the simulated network can stand behind the key:
// facebook#simulate:revoked.
func (h *house) connect(uid string, providers ...string) site.Person {
	h.Helper()
	var p site.Person
	for _, provider := range providers {
		provider, directive, found := strings.Cut(provider, "#")
		if found {
			directive = "#" + directive
		}
		p = h.login(uid, provider, "account of "+uid, directive)
	}
	return p
}

// login lets one account of a provider arrive for a user.
func (h *house) login(uid, provider, account, directive string) site.Person {
	h.Helper()
	p, _, _, err := h.directory.Login(context.Background(), h.site().ID, site.Login{
		UID: uid, Provider: provider, Account: site.Account{ID: account, Name: account},
		Credentials: site.Credentials{Access: site.Secret("token of " + account + directive)}, Source: "operator",
	})
	if err != nil {
		h.Fatal(err)
	}
	return p
}

func (h *house) site() site.Site { return h.keyring[apiKey].Site }

// call is a signed call of a method for user-42, with parameters in pairs. Each has a
// nonce of its own.
func (h *house) call(name string, pairs ...string) *request {
	h.calls++
	r := signedCall()
	r.path = "/" + name
	r.set("UID", "user-42").set("timestamp", strconv.FormatInt(h.handler.o.Now().Unix(), 10)).set("nonce", fmt.Sprint("nonce-", h.calls))
	for i := 0; i < len(pairs); i += 2 {
		r.set(pairs[i], pairs[i+1])
	}
	return r
}

// published are the posts of the simulated network, in the order of their providers and
// accounts.
func (h *house) published() []simulated.Post {
	h.Helper()
	posts, err := h.posts.Newest(context.Background(), simulated.Filter{Limit: simulated.MaxPage})
	if err != nil {
		h.Fatal(err)
	}
	slices.SortFunc(posts, func(a, b simulated.Post) int { return strings.Compare(postText(a), postText(b)) })
	return posts
}

// wantPosts checks how many posts there are.
func (h *house) wantPosts(n int) []simulated.Post {
	h.Helper()
	posts := h.published()
	if len(posts) != n {
		h.Fatalf("got %d posts; want %d:\n%s", len(posts), n, postTexts(posts))
	}
	return posts
}

// accepted is how many messages the store has.
func (h *house) accepted() int {
	h.Helper()
	page, err := h.store.List(context.Background(), h.site().ID, site.ListQuery{Limit: 1})
	if err != nil {
		h.Fatal(err)
	}
	return page.Total
}

// postText is a post as its readers see it.
func postText(p simulated.Post) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s: %q\n", p.Provider, p.Account, p.Text)
	if l := p.Link; l != nil {
		fmt.Fprintf(&b, "\tlink %s %q %q %q\n", l.URL, l.Name, l.Caption, l.Description)
	}
	for _, m := range p.Media {
		fmt.Fprintf(&b, "\t%s %s", m.Type, m.Name)
		if m.Link != "" {
			b.WriteString(" to " + m.Link)
		}
		b.WriteByte('\n')
	}
	if l := p.Below; l != nil {
		fmt.Fprintf(&b, "\tbelow %s %q\n", l.URL, l.Name)
	}
	if l := p.Location; l != nil {
		fmt.Fprintf(&b, "\tat %+v\n", *l)
	}
	return b.String()
}

func postTexts(posts []simulated.Post) string {
	var b strings.Builder
	for _, p := range posts {
		b.WriteString(postText(p))
	}
	return b.String()
}

// Numbers of posts, short URLs and sessions differ from run to run: publications go out
// side by side, and tokens, also those of users, are drawn.
var (
	postIDs    = regexp.MustCompile(`"providerPostIDs":\{[^}]*\}`)
	postNumber = regexp.MustCompile(`\d"`)
	shortURL   = regexp.MustCompile(regexp.QuoteMeta("http://"+shortDomain+"/") + `[0-9A-Za-z]{7}`)
	session    = regexp.MustCompile(`\bAgAAA[0-9A-Za-z_-]+`)
)

func steady(text string) string {
	text = postIDs.ReplaceAllStringFunc(text, func(ids string) string { return postNumber.ReplaceAllString(ids, `N"`) })
	text = session.ReplaceAllString(text, "SESSION")
	return shortURL.ReplaceAllString(text, "http://"+shortDomain+"/TTTTTTT")
}

// golden holds a request, its reply and what is on the networks then against a golden
// file.
func (h *house) golden(name string, r *request) answered {
	h.Helper()
	a := h.do(r)
	var got strings.Builder
	fmt.Fprintf(&got, "%s %s\n\n%s\n\nHTTP %d\n", r.verb, r.path, r.form(), a.Code)
	if err := a.Header().Write(&got); err != nil {
		h.Fatal(err)
	}
	text := strings.ReplaceAll(got.String(), "\r\n", "\n") + "\n" + a.Body.String() + "\n"
	if posts := h.published(); len(posts) > 0 {
		text += "\n" + postTexts(posts)
	}
	goldenFile(h, name, steady(text))
	return a
}

// goldenFile holds a text against the golden file of a name.
func goldenFile(t testing.TB, name, text string) {
	t.Helper()
	path := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// visitors lets the shortener answer and count, outside of bubbles only: it waits for
// connections. follow asks for a short URL as a person's browser does.
func (h *house) visitors() (follow func(shortURL string)) {
	h.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		h.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- h.shortener.Run(ctx, ln) }()
	h.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			h.Errorf("shortener ended: %v", err)
		}
	})
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return func(shortURL string) {
		h.Helper()
		path, found := strings.CutPrefix(shortURL, "http://"+shortDomain)
		if !found {
			h.Fatalf("got %s; want a short URL on %s", shortURL, shortDomain)
		}
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+ln.Addr().String()+path, nil)
		if err != nil {
			h.Fatal(err)
		}
		r.Host = shortDomain
		r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0")
		response, err := client.Do(r)
		if err != nil {
			h.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusFound {
			h.Fatalf("%s: got HTTP %d; want 302", shortURL, response.StatusCode)
		}
	}
}

// web brings the same picture from everywhere but broken.example.com.
type web struct{}

func (web) Fetch(_ context.Context, url string, _ int64) (fetch.Media, error) {
	if strings.Contains(url, "broken.example.com") {
		return fetch.Media{}, fetch.ErrType
	}
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 1, 1))); err != nil {
		return fetch.Media{}, err
	}
	return fetch.Media{Type: "image/png", Name: filepath.Base(url), Data: b.Bytes()}, nil
}

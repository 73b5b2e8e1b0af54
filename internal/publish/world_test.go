package publish_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"herald.example/internal/boltstore"
	"herald.example/internal/fetch"
	"herald.example/internal/link"
	"herald.example/internal/publish"
	"herald.example/internal/publish/render"
	"herald.example/internal/site"
)

// world is a Publisher over real stores, with a network and a shortener under the
// test's control.
type world struct {
	*testing.T
	path    string
	store   *boltstore.Sharing
	dir     *site.Directory
	site    site.Site
	person  site.Person
	net     *network
	links   *shortener
	fetcher *fetcher
	nets    networks

	*publish.Publisher
	options   publish.Options
	accepting time.Duration // how long an acceptance takes to be heard of
	accepted  func()        // called when it is; may be nil
	full      atomic.Bool   // the disk is
	log       strings.Builder
	stop      context.CancelFunc
	done      chan error
}

// newWorld has one site with one user, who has an identity with each provider of
// nets; by default with "keyless".
func newWorld(t *testing.T, providers ...string) *world {
	t.Helper()
	w := &world{T: t, path: filepath.Join(t.TempDir(), "sharing.db"), fetcher: &fetcher{}}
	w.net = &network{t: t, posts: make(map[string]render.Post)}
	w.links = &shortener{links: make(map[link.Ref]link.Draft)}
	w.nets = networks{"keyless": w.net, "finds": finding{w.net}, "refreshes": refreshing{w.net}, "introduces": introducing{refreshing{w.net}}}
	w.open()
	var err error
	if w.site, _, err = w.dir.AddSite(t.Context(), site.SiteDraft{Name: "demo"}); err != nil {
		t.Fatal(err)
	}
	if len(providers) == 0 {
		providers = []string{"keyless"}
	}
	user := ""
	for _, p := range providers {
		w.person, _, _, err = w.dir.Login(t.Context(), w.site.ID, site.Login{
			User: user, Provider: p, Account: site.Account{ID: "a1", Name: "alice"},
			Credentials: site.Credentials{Access: "token-1", Refresh: "refresh-1"},
		})
		if err != nil {
			t.Fatal(err)
		}
		user = w.person.Token
	}
	t.Cleanup(w.close)
	return w
}

// badStore is slow to say that it has accepted, and its disk may be full.
type badStore struct {
	*boltstore.Sharing
	w *world
}

func (s badStore) Accept(ctx context.Context, a publish.Acceptance) (publish.Accepted, error) {
	accepted, err := s.Sharing.Accept(ctx, a)
	time.Sleep(s.w.accepting)
	if s.w.accepted != nil {
		s.w.accepted()
	}
	return accepted, err
}

func (s badStore) Update(ctx context.Context, ref publish.Ref, edit func(*publish.Publication) error) (publish.Publication, error) {
	if s.w.full.Load() {
		return publish.Publication{}, errors.New("no space left on device")
	}
	return s.Sharing.Update(ctx, ref, edit)
}

// open opens the stores and runs a Publisher.
func (w *world) open() {
	w.Helper()
	w.openStore()
	ring, err := site.OpenRing(filepath.Join(filepath.Dir(w.path), "sealing.key"))
	if err != nil {
		w.Fatal(err)
	}
	if w.dir, err = site.OpenDirectory(w.Context(), w.store, ring, time.Now); err != nil {
		w.Fatal(err)
	}
	o := w.options
	o.Store, o.Directory, o.Links, o.Networks, o.Fetcher = badStore{w.store, w}, w.dir, w.links, w.nets, w.fetcher
	o.Log = slog.New(slog.NewTextHandler(&w.log, nil))
	w.Publisher = publish.New(o)
	ctx, stop := context.WithCancel(context.WithoutCancel(w.Context()))
	w.stop, w.done = stop, make(chan error, 1)
	go func() { w.done <- w.Publisher.Run(ctx) }()
	synctest.Wait() // the bases are read
}

// openStore opens the store alone.
func (w *world) openStore() {
	w.Helper()
	var err error
	if w.store, err = boltstore.OpenSharing(w.path); err != nil {
		w.Fatal(err)
	}
}

// close stops the Publisher and closes the stores. A second call does nothing.
func (w *world) close() {
	w.Helper()
	if w.stop == nil {
		return
	}
	w.stop()
	w.stop = nil
	if err := <-w.done; err != nil {
		w.Errorf("Run: got %v; want nil", err)
	}
	if err := w.store.Close(); err != nil {
		w.Errorf("close: %v", err)
	}
}

// halt ends the Publisher and leaves the store open.
func (w *world) halt() {
	w.Helper()
	w.stop()
	if err := <-w.done; err != nil {
		w.Errorf("Run: got %v; want nil", err)
	}
	w.done <- nil // for close
}

// restart is the end of one process and the start of the next.
func (w *world) restart() {
	w.Helper()
	w.close()
	w.open()
}

// request publishes a text with a URL for the user.
func (w *world) request(text string, providers ...string) publish.Request {
	if len(providers) == 0 {
		providers = []string{"keyless"}
	}
	return publish.Request{
		Site:   w.site,
		Parts:  publish.Parts{Text: &publish.Text{Body: text}, Tracking: true},
		Target: publish.Target{User: w.person.Token, Providers: providers},
	}
}

// publish publishes and wants an answer.
func (w *world) publish(r publish.Request) publish.Round {
	w.Helper()
	round, err := w.Publish(w.Context(), r)
	if err != nil {
		w.Fatalf("publish: got %v; want a round", err)
	}
	return round
}

// read reads the only publication of a round as the store has it.
func (w *world) read(round publish.Round) publish.Publication {
	w.Helper()
	_, pubs, err := w.Message(w.Context(), w.site.ID, round.Message.Token)
	if err != nil || len(pubs) != 1 {
		w.Fatalf("read message: got %d publications, %v; want one", len(pubs), err)
	}
	return pubs[0]
}

// ref names the only publication of a round.
func (w *world) ref(round publish.Round) publish.Ref {
	return publish.Ref{Site: w.site.ID, Message: round.Message.Token, Number: 1}
}

// want wants the only publication of a round to be in a state, for a reason.
func (w *world) want(round publish.Round, state publish.State, kind publish.Kind) publish.Publication {
	w.Helper()
	pub := w.read(round)
	var got publish.Kind
	if pub.Refusal != nil {
		got = pub.Refusal.Kind
	}
	if pub.State != state || got != kind {
		w.Errorf("got %s for %q; want %s for %q", pub.State, got, state, kind)
	}
	return pub
}

// networks are publish.Networks by provider key.
type networks map[string]publish.Network

func (n networks) Network(_ site.Site, provider string) (publish.Network, error) {
	switch found, ok := n[provider]; {
	case ok && found == nil:
		return nil, &publish.Error{Kind: publish.Unsupported, Network: provider, Message: "This server cannot publish there."}
	case ok:
		return found, nil
	}
	return nil, fmt.Errorf("%w: %s", site.ErrProvider, provider)
}

func (n networks) Providers(site.Site) []publish.Provider { return nil }

// network takes posts, unless it is told otherwise. The same post twice fails the
// test: nothing here has a client's key.
type network struct {
	t     *testing.T
	mu    sync.Mutex
	calls int
	looks int // calls of Profile
	asks  int // calls of Find
	posts map[string]render.Post
	// next are what the next calls answer; a nil entry takes the post.
	next []func(ctx context.Context, who site.Opened, post render.Post) (publish.Receipt, error)
	// finds are what the next calls of Find answer.
	finds []found
	// fresh are what the next calls of Refresh answer; then any call fails the test.
	fresh []renewed
	// profile is what Profile answers; nil: what the simulated network takes.
	profile func() (render.Profile, error)
}

type found struct {
	finding publish.Finding
	err     error
}

type renewed struct {
	credentials site.Credentials
	err         error
	meanwhile   func() // called before the answer; may be nil
}

func (n *network) Profile(context.Context, site.Opened) (render.Profile, error) {
	n.mu.Lock()
	n.looks++
	n.mu.Unlock()
	if n.profile != nil {
		return n.profile()
	}
	p, _ := render.For(site.Simulated)
	return p, nil
}

func (n *network) Post(ctx context.Context, who site.Opened, post render.Post) (publish.Receipt, error) {
	n.mu.Lock()
	n.calls++
	var answer func(context.Context, site.Opened, render.Post) (publish.Receipt, error)
	if len(n.next) > 0 {
		answer, n.next = n.next[0], n.next[1:]
	}
	n.mu.Unlock()
	if answer != nil {
		return answer(ctx, who, post)
	}
	return n.take(post), nil
}

// take keeps a post.
func (n *network) take(post render.Post) publish.Receipt {
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, twice := n.posts[post.Key]; twice {
		n.t.Errorf("post %s: got it twice", post.Key)
	}
	n.posts[post.Key] = post
	return publish.Receipt{ID: "id-" + post.Key, URL: "https://net.example/" + post.Key}
}

// refuse makes the next call answer an error without keeping the post.
func (n *network) refuse(errs ...error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, err := range errs {
		n.next = append(n.next, func(context.Context, site.Opened, render.Post) (publish.Receipt, error) {
			return publish.Receipt{}, err
		})
	}
}

// count returns how many calls there were, and how many posts are there.
func (n *network) count() (calls, posts int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.calls, len(n.posts)
}

// questions returns how often the network was asked for something else.
func (n *network) questions() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.looks + n.asks
}

// only returns the only post that is there.
func (n *network) only() render.Post {
	n.t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.posts) != 1 {
		n.t.Fatalf("got %d posts; want one", len(n.posts))
	}
	for _, p := range n.posts {
		return p
	}
	panic("not reached")
}

// finding is a network that can be asked what became of a post.
type finding struct{ *network }

func (n finding) Find(_ context.Context, _ site.Opened, post render.Post) (publish.Receipt, publish.Finding, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asks++
	if len(n.finds) > 0 {
		f := n.finds[0]
		n.finds = n.finds[1:]
		return publish.Receipt{ID: "found"}, f.finding, f.err
	}
	if _, ok := n.posts[post.Key]; ok {
		return publish.Receipt{ID: "id-" + post.Key}, publish.Found, nil
	}
	return publish.Receipt{}, publish.Absent, nil
}

// refreshing is a network whose credentials can be renewed.
type refreshing struct{ *network }

func (n refreshing) Refresh(ctx context.Context, _ site.Opened) (site.Credentials, error) {
	n.mu.Lock()
	if len(n.fresh) == 0 {
		n.mu.Unlock()
		n.t.Error("got a refresh; want none")
		return site.Credentials{}, errors.New("no refresh is expected")
	}
	f := n.fresh[0]
	n.fresh = n.fresh[1:]
	n.mu.Unlock()
	if f.meanwhile != nil {
		f.meanwhile()
	}
	if ctx.Err() != nil {
		return site.Credentials{}, ctx.Err()
	}
	return f.credentials, f.err
}

// introducing is a network that renews credentials by the way when it is asked whose
// they are.
type introducing struct{ refreshing }

func (n introducing) Introduce(ctx context.Context, who site.Opened) (site.Account, site.Profile, site.Credentials, error) {
	c, err := n.Refresh(ctx, who)
	return who.Account, site.Profile{DisplayName: "Alice"}, c, err
}

// shortener keeps links in memory as strictly as the real one.
type shortener struct {
	mu    sync.Mutex
	links map[link.Ref]link.Draft
	down  error
	puts  int
	most  int  // drafts of a Put
	hangs bool // Bases give no answer
	steal int  // so many of the next drafts find their slug taken
}

func (s *shortener) Bases(ctx context.Context) (link.Bases, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hangs {
		s.mu.Unlock()
		<-ctx.Done()
		s.mu.Lock()
		return nil, ctx.Err()
	}
	if s.down != nil {
		return nil, s.down
	}
	return link.Bases{{Domain: "go.example", URL: "https://go.example"}}, nil
}

func (s *shortener) Put(_ context.Context, drafts []link.Draft) ([]link.Link, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.puts++
	s.most = max(s.most, len(drafts))
	if s.down != nil {
		return nil, s.down
	}
	for i, d := range drafts {
		if field, err := d.Check(); err != nil {
			return nil, &link.DraftError{Index: i, Field: field, Err: err}
		}
		if s.steal > 0 {
			s.steal--
			s.links[d.Ref] = link.Draft{Ref: d.Ref, Target: "https://somebody.example/"}
		}
		if old, ok := s.links[d.Ref]; ok && old != d {
			return nil, &link.DraftError{Index: i, Field: "slug", Err: link.ErrTaken}
		}
	}
	links := make([]link.Link, len(drafts))
	for i, d := range drafts {
		s.links[d.Ref] = d
		links[i] = link.Link{Ref: d.Ref, Target: d.Target}
	}
	return links, nil
}

func (s *shortener) setDown(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = err
}

// fetcher serves one picture, and a video where a URL ends as that of one.
type fetcher struct {
	mu     sync.Mutex
	calls  int
	err    error
	first  func(context.Context) // called by the first call; may be nil
	takes  time.Duration
	unless map[string]error // by URL: what is answered instead

	under, most atomic.Int32 // calls at a time
}

func (f *fetcher) Fetch(ctx context.Context, url string, _ int64) (fetch.Media, error) {
	if n := f.under.Add(1); n > f.most.Load() {
		f.most.Store(n)
	}
	defer f.under.Add(-1)
	time.Sleep(f.takes)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	if f.first != nil && (f.calls == 1 || f.err != nil) {
		f.first(ctx)
	}
	if err := f.unless[url]; err != nil {
		return fetch.Media{}, err
	}
	if strings.HasSuffix(url, ".mp4") {
		return fetch.Media{Name: url, Type: "video/mp4", Data: []byte("mp4")}, f.err
	}
	return fetch.Media{Name: url, Type: "image/png", Data: []byte("png")}, f.err
}

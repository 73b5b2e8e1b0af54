package simulated

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"herald.example/internal/link"
	"herald.example/internal/network"
	"herald.example/internal/publish"
	"herald.example/internal/publish/render"
	"herald.example/internal/site"
)

// Options are the settings of a World; zero fields take the defaults.
type Options struct {
	// Base is the URL at which Handler is reached, up to /simulated, such as
	// http://127.0.0.1:8090/simulated: what receipts and accounts link to. Empty:
	// they link to nothing.
	Base string
	// Bases are the domains of short URLs. Preview fetchers ask for short URLs of
	// these and for nothing else. It is asked for each post. nil: there are no
	// fetchers.
	Bases func(context.Context) (link.Bases, error)
	// Transport sends the fetchers' requests; nil: one of its own, with timeouts.
	Transport http.RoundTripper
	Now       func() time.Time // nil: time.Now
	Log       *slog.Logger     // nil: no log
}

// World is the simulated network with all its accounts. It is safe for concurrent
// use.
type World struct {
	store    Store
	base     string // without a slash at its end
	now      func() time.Time
	fetchers *fetchers // nil: there are none

	calls     tally // of publications and accounts, for directives that end
	refreshed tally // generations of refresh tokens that were used

	made atomic.Uint64
}

// New returns the simulated network whose posts are in store. The caller runs Run
// beside it.
func New(store Store, opts Options) *World {
	w := &World{store: store, base: strings.TrimRight(opts.Base, "/"), now: opts.Now}
	if w.now == nil {
		w.now = time.Now
	}
	if opts.Bases != nil {
		w.fetchers = newFetchers(opts)
	}
	return w
}

// Run lets the preview fetchers work until ctx is done, then returns nil. It is
// called once.
func (w *World) Run(ctx context.Context) error {
	if w.fetchers != nil {
		w.fetchers.run(ctx)
	}
	<-ctx.Done()
	return nil
}

// Stats are what happened since the start.
type Stats struct {
	Posts    uint64 // made
	Previews uint64 // requests of fetchers that were answered
	Failed   uint64 // requests of fetchers that were not
	Dropped  uint64 // short URLs that no fetcher asked for: too many were waiting
}

// Stats reads the counts.
func (w *World) Stats() Stats {
	s := Stats{Posts: w.made.Load()}
	if w.fetchers != nil {
		s.Previews, s.Failed, s.Dropped = w.fetchers.done.Load(), w.fetchers.failed.Load(), w.fetchers.dropped.Load()
	}
	return s
}

// As returns the network under a provider's key. It is also a publish.Refresher,
// Finder and Introducer.
func (w *World) As(provider string) publish.Network {
	profile, known := render.For(provider)
	if !known {
		profile, _ = render.For(site.Simulated)
		profile.Network = network.Name(provider)
	}
	return &face{world: w, provider: provider, profile: profile, rules: ruleBook[provider]}
}

// ActionProfile is publish.ActionNetwork. It is that of the time of user actions where
// networks have changed their API since in what it takes of them.
func (f *face) ActionProfile(ctx context.Context, who site.Opened) (render.Profile, error) {
	if former, known := render.For(f.provider + "/legacy"); known {
		return former, nil
	}
	return f.Profile(ctx, who)
}

// face is the network under one provider's key.
type face struct {
	world    *World
	provider string
	profile  render.Profile
	rules    rules
}

// Profile is publish.Network.
func (f *face) Profile(context.Context, site.Opened) (render.Profile, error) { return f.profile, nil }

package simulated

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"herald.example/internal/link"
)

// Limits of the fetchers.
const (
	fetchQueue   = 1024 // posts that wait; further ones get no preview
	fetchWorkers = 4
	fetchLinks   = 20 // of one post
	fetchTimeout = 10 * time.Second
	fetchBody    = 256 << 10 // bytes of an answer that are read
)

// visit is the short URLs of a post that a fetcher shall ask for.
type visit struct {
	agent string
	urls  []string
}

// fetchers ask for the short URLs of posts, as networks do to show a preview: once,
// without following where they lead.
type fetchers struct {
	bases     func(context.Context) (link.Bases, error)
	transport http.RoundTripper
	close     func() // ends the idle connections of a transport of our own
	log       *slog.Logger
	queue     chan visit

	done, failed, dropped atomic.Uint64
}

func newFetchers(opts Options) *fetchers {
	f := &fetchers{bases: opts.Bases, transport: opts.Transport, close: func() {}, log: opts.Log, queue: make(chan visit, fetchQueue)}
	if f.transport == nil {
		own := &http.Transport{
			DialContext:           (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
			TLSHandshakeTimeout:   5 * time.Second,
			ResponseHeaderTimeout: fetchTimeout,
			IdleConnTimeout:       30 * time.Second,
			MaxConnsPerHost:       2 * fetchWorkers,
		}
		f.transport, f.close = own, own.CloseIdleConnections
	}
	if f.log == nil {
		f.log = slog.New(slog.DiscardHandler)
	}
	return f
}

// announce tells the fetchers of a new post. It does not wait.
func (f *fetchers) announce(agent string, p Post) {
	if f == nil || agent == "" {
		return
	}
	urls := linksOf(p)
	if len(urls) == 0 {
		return
	}
	select {
	case f.queue <- visit{agent, urls}:
	default:
		f.dropped.Add(uint64(len(urls)))
	}
}

// linksOf are the distinct URLs of a post, at most fetchLinks.
func linksOf(p Post) []string {
	var urls []string
	seen := make(map[string]bool)
	add := func(u string) {
		if isWeb(u) && !seen[u] && len(urls) < fetchLinks {
			seen[u] = true
			urls = append(urls, u)
		}
	}
	for _, piece := range pieces(p) {
		add(piece.URL)
	}
	if p.Link != nil {
		add(p.Link.URL)
	}
	for _, m := range p.Media {
		add(m.Link)
	}
	if p.Below != nil {
		add(p.Below.URL)
	}
	return urls
}

// isWeb says whether s begins as an absolute URL of the web does.
func isWeb(s string) bool {
	return strings.HasPrefix(s, "http://") || strings.HasPrefix(s, "https://")
}

// run lets the fetchers work until ctx is done.
func (f *fetchers) run(ctx context.Context) {
	var group sync.WaitGroup
	for range fetchWorkers {
		group.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case v := <-f.queue:
					f.visit(ctx, v)
				}
			}
		})
	}
	group.Wait()
	f.close()
}

// visit asks for the short URLs among the URLs of a post.
func (f *fetchers) visit(ctx context.Context, v visit) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout*fetchLinks)
	defer cancel()
	bases, err := f.bases(ctx)
	if err != nil {
		f.failed.Add(uint64(len(v.urls)))
		f.log.Debug("preview fetcher does not know the short URLs", "error", err)
		return
	}
	for _, raw := range v.urls {
		u, short := shortURL(bases, raw)
		if !short {
			continue
		}
		if err := f.fetch(ctx, v.agent, u); err != nil {
			f.failed.Add(1)
			f.log.Debug("preview fetcher failed", "url", raw, "error", err)
			continue
		}
		f.done.Add(1)
	}
}

// shortURL says whether raw is a short URL of the bases.
func shortURL(bases link.Bases, raw string) (*url.URL, bool) {
	u, err := url.Parse(raw)
	if err != nil || u.User != nil {
		return nil, false
	}
	for _, base := range bases {
		if u.Scheme+"://"+strings.ToLower(u.Host) == base.URL {
			return u, true
		}
	}
	return nil, false
}

// fetch sends one request. Redirects are not followed: a transport does not.
func (f *fetchers) fetch(ctx context.Context, agent string, u *url.URL) error {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return err
	}
	r.Header.Set("User-Agent", agent)
	r.Header.Set("Accept", "text/html,*/*;q=0.8")
	answer, err := f.transport.RoundTrip(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(answer.Body, fetchBody))
	return err
}

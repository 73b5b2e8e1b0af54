package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"herald.example/internal/boltstore"
	"herald.example/internal/control"
	"herald.example/internal/fetch"
	"herald.example/internal/gigya"
	"herald.example/internal/linkapi"
	"herald.example/internal/network"
	"herald.example/internal/network/bluesky"
	"herald.example/internal/network/mastodon"
	"herald.example/internal/network/simulated"
	"herald.example/internal/oneall"
	"herald.example/internal/publish"
	"herald.example/internal/shortener"
	"herald.example/internal/site"
)

// Names in the data folder, beside those of the shortener.
const (
	sharingFile   = "sharing.db"
	simulatedFile = "simulated.db"
)

// house is what a server is assembled from.
type house struct {
	service *shortener.Service // nil when the shortener is apart
	links   links              // service, or the client of the one apart

	store     *boltstore.Sharing
	directory *site.Directory
	posts     *boltstore.Simulated // nil without the simulated network, as world
	world     *simulated.World
	publisher *publish.Publisher
	dialect   http.Handler // OneAll's
	gigya     *gigya.Handler
	health    *health

	closers []func() error // of what is open, in the order of opening
}

// links is the shortener as the sharing side sees it.
type links interface {
	publish.Links
	oneall.Links
	gigya.Links
}

// open opens the files and puts the parts together. It starts nothing. The caller
// closes the house.
func (c *serveCommand) open(ctx context.Context, at *addresses, log *slog.Logger) (_ *house, err error) {
	h := new(house)
	defer func() {
		if err != nil {
			err = errors.Join(err, h.close())
		}
	}()
	if err := c.openLinks(h, at, log); err != nil {
		return nil, err
	}
	if h.store, err = boltstore.OpenSharing(filepath.Join(c.Data, sharingFile)); err != nil {
		return nil, err
	}
	h.closers = append(h.closers, h.store.Close)
	ring, err := site.OpenRing(filepath.Join(c.Data, site.RingFile)) // the folder is held by now
	if err != nil {
		return nil, err
	}
	if h.directory, err = site.OpenDirectory(ctx, h.store, ring, time.Now); err != nil {
		return nil, err
	}

	fetcher := fetch.New(c.fetching())
	networks, err := c.openNetworks(h, at, fetcher, log)
	if err != nil {
		return nil, err
	}
	h.publisher = publish.New(publish.Options{
		Store:       h.store,
		Directory:   h.directory,
		Links:       h.links,
		Networks:    networks,
		Domains:     c.shortDomains(),
		Fetcher:     fetcher,
		Wait:        c.Wait,
		TokenLength: c.TokenLength,
		Drain:       c.DrainTimeout,
		Log:         log,
	})
	h.dialect = oneall.NewHandler(oneall.Options{
		Directory:             h.directory,
		Publisher:             h.publisher,
		Links:                 h.links,
		Location:              c.TimeZone.Location,
		BaseDomain:            c.BaseDomain,
		PublicationsAsEntries: c.PublicationsAsEntries,
		MaxBody:               int64(c.MaxBody),
		ClientIP:              c.clientIP,
		Log:                   log,
	})
	h.gigya = c.newGigya(h, log)
	h.health = &health{shortener: h.shortenerHealth(), store: h.store, outbox: h.store, log: log}
	return h, nil
}

// openLinks opens the shortener, or makes a client of the one apart.
func (c *serveCommand) openLinks(h *house, at *addresses, log *slog.Logger) error {
	if !c.apart() {
		service, err := c.ShortenerFlags.Open(&c.ServerFlags, at.visitorsSecure, log)
		if err != nil {
			return err
		}
		h.closers = append(h.closers, service.Close)
		h.service, h.links = service, service
		return nil
	}
	token, err := control.ReadToken(c.ShortenerTokenFile)
	if err != nil {
		return fmt.Errorf("--shortener-token-file: %w", err)
	}
	client, err := linkapi.NewClient(string(c.Shortener), token)
	if err != nil {
		return fmt.Errorf("--shortener: %w", err)
	}
	h.closers = append(h.closers, func() error { client.Close(); return nil })
	h.links = client
	return nil
}

// openNetworks puts the adapters together. What they send goes by the fetcher's
// transport, which keeps it out of private networks.
func (c *serveCommand) openNetworks(h *house, at *addresses, fetcher *fetch.Fetcher, log *slog.Logger) (publish.Networks, error) {
	client := network.NewClient(fetcher.Transport())
	adapters := map[string]publish.Network{
		bluesky.Provider:  bluesky.New(client, time.Now),
		mastodon.Provider: mastodon.New(client, time.Now),
	}
	if c.NoSimulated {
		return network.NewSet(adapters, nil), nil
	}
	var err error
	if h.posts, err = boltstore.OpenSimulated(filepath.Join(c.Data, simulatedFile)); err != nil {
		return nil, err
	}
	h.closers = append(h.closers, h.posts.Close)
	if aside := h.posts.Aside(); aside != "" {
		log.Warn("the posts of the simulated network were damaged; a new file was begun", "put_aside", aside)
	}
	h.world = simulated.New(h.posts, simulated.Options{
		Base: at.url() + strings.TrimSuffix(simulatedPath, "/"), Bases: h.links.Bases, Transport: at.neighbour(), Log: log,
	})
	return network.NewSet(adapters, h.world.As), nil
}

// close closes what is open, the newest first. Nothing runs any more.
func (h *house) close() error {
	var errs []error
	for i := len(h.closers) - 1; i >= 0; i-- {
		errs = append(errs, h.closers[i]())
	}
	return errors.Join(errs...)
}

package shortener

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"herald.example/internal/boltstore"
	"herald.example/internal/counter"
	"herald.example/internal/link"
	"herald.example/internal/redirect"
)

// Names in the data folder.
const (
	linksFile    = "links.db"
	countsFile   = "counts.db"
	ledgerFolder = "ledger"
)

// foldTimeout bounds the last fold. What it does not reach is folded by the
// next start: it costs time then, and no count.
const foldTimeout = 30 * time.Second

// Settings are what a Service is made from. Data and Bases must be set.
type Settings struct {
	Data        string // folder; made when it is missing
	Bases       link.Bases
	TokenLength int    // characters; 0: link.DefaultToken
	MapLinks    bool   // look links up through the mapped file: faster, see boltstore.LinksOptions
	NoLedger    bool   // redirect without counting; what was counted can be read
	CountryFile string // database of countries (MMDB); empty: countries are not known

	// DrainTimeout bounds the requests under way when the service stops; 0: 10 s.
	DrainTimeout time.Duration

	// Redirect and Counter are settings of the parts. Open sets Store, Ledger,
	// Bases, Ready, Country and Log.
	Redirect redirect.Options
	Counter  counter.Options

	Log *slog.Logger // nil: no log
}

// Service is the shortener. Its methods may be called by many goroutines at
// once, between Open and Close. A Ref without domain means the default domain.
type Service struct {
	bases       link.Bases
	tokenLength int
	drain       time.Duration
	now         func() time.Time

	links    *boltstore.Links
	counts   *boltstore.Counts
	counter  *counter.Counter
	redirect *redirect.Server
	country  io.Closer // nil without a database of countries

	stopping atomic.Bool
	// stuck is set when the counter did not stop in time: its files are then
	// left to the end of the process.
	stuck atomic.Bool
}

// Open opens the files of the data folder. It starts nothing and answers nobody
// before Run; the registry and the readings can be used at once. A folder in
// use by another process is boltstore.ErrInUse.
func Open(s Settings) (_ *Service, err error) {
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	if s.TokenLength == 0 {
		s.TokenLength = link.DefaultToken
	}
	if s.TokenLength < link.MinToken || s.TokenLength > link.MaxToken {
		return nil, fmt.Errorf("open shortener: tokens of %d characters; %d to %d are allowed", s.TokenLength, link.MinToken, link.MaxToken)
	}
	if len(s.Bases) == 0 {
		return nil, fmt.Errorf("open shortener: %w: no base for short URLs", link.ErrDomain)
	}
	if s.DrainTimeout == 0 {
		s.DrainTimeout = 10 * time.Second
	}
	if s.Counter.Now == nil {
		s.Counter.Now = time.Now
	}
	svc := &Service{bases: s.Bases, tokenLength: s.TokenLength, drain: s.DrainTimeout, now: s.Counter.Now}
	defer func() {
		if err != nil {
			err = errors.Join(err, svc.Close())
		}
	}()
	if err := os.MkdirAll(s.Data, 0o700); err != nil {
		return nil, err
	}
	if svc.links, err = boltstore.OpenLinks(filepath.Join(s.Data, linksFile), boltstore.LinksOptions{Mapped: s.MapLinks}); err != nil {
		return nil, err
	}
	if svc.counts, err = boltstore.OpenCounts(filepath.Join(s.Data, countsFile)); err != nil {
		return nil, err
	}
	s.Counter.Log, s.Redirect.Log = s.Log, s.Log
	if s.CountryFile != "" {
		if s.Counter.Country, svc.country, err = counter.OpenCountry(s.CountryFile); err != nil {
			return nil, err
		}
	}
	if svc.counter, err = counter.Open(filepath.Join(s.Data, ledgerFolder), svc.counts, s.Counter); err != nil {
		return nil, err
	}
	s.Redirect.Store, s.Redirect.Bases, s.Redirect.Ready = svc.links, s.Bases, svc.Ready
	if s.Redirect.Ledger = svc.counter; s.NoLedger {
		s.Redirect.Ledger = nil
	}
	if svc.redirect, err = redirect.New(s.Redirect); err != nil {
		return nil, err
	}
	return svc, nil
}

// Run answers visitors on ln and counts them until ctx is done or a part fails.
// It starts the counter, the housekeeping of the stores and the redirect, and
// stops them in mirror order: the requests under way get DrainTimeout, then the last
// hits are folded. The registry and the readings work until it has returned. It
// may be called once; it closes ln.
func (s *Service) Run(ctx context.Context, ln net.Listener) error {
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	failed, fail := context.WithCancel(ctx) // done when ctx is, or when a part returns
	defer fail()
	var counting, serving errgroup.Group
	part := func(group *errgroup.Group, name string, run func() error) {
		group.Go(func() error {
			defer fail()
			if err := run(); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			return nil
		})
	}
	part(&counting, "count", func() error { return s.counter.Run(background) })
	part(&counting, "keep links", func() error { return s.links.Run(background) })
	part(&counting, "keep counts", func() error { return s.counts.Run(background) })
	part(&serving, "redirect", func() error { return s.redirect.Serve(ln) })

	<-failed.Done()
	s.stopping.Store(true)
	deadline, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.drain)
	defer cancel()
	var errs []error
	if err := s.redirect.Shutdown(deadline); err != nil {
		errs = append(errs, fmt.Errorf("drain redirects: %w", err))
	}
	errs = append(errs, serving.Wait())
	stop()
	stopped := make(chan error, 1)
	go func() { stopped <- counting.Wait() }()
	select {
	case err := <-stopped:
		errs = append(errs, err)
	case <-time.After(foldTimeout):
		s.stuck.Store(true)
		errs = append(errs, fmt.Errorf("last fold: not done after %s; the next start goes on from there", foldTimeout))
	}
	return errors.Join(errs...)
}

// Close closes the files. It is called after Run has returned, or instead of it.
func (s *Service) Close() error {
	if s.stuck.Load() {
		return nil
	}
	var errs []error
	if s.counter != nil {
		errs = append(errs, s.counter.Close())
	}
	if s.country != nil {
		errs = append(errs, s.country.Close())
	}
	if s.counts != nil {
		errs = append(errs, s.counts.Close())
	}
	if s.links != nil {
		errs = append(errs, s.links.Close())
	}
	return errors.Join(errs...)
}

// Status is what a Service can say of itself.
type Status struct {
	Counter  counter.Status
	Redirect redirect.Stats
}

// Status reads the counters of the parts.
func (s *Service) Status() Status {
	return Status{Counter: s.counter.Status(), Redirect: s.redirect.Stats()}
}

// Ready says why visitors should be sent elsewhere: the service stops, or hits
// cannot be kept for good. Otherwise it is nil.
func (s *Service) Ready() error {
	if s.stopping.Load() {
		return errors.New("stopping")
	}
	if status := s.counter.Status(); status.AtRisk > 0 || status.Fault != "" {
		return fmt.Errorf("redirects go on, but %d hits cannot be written: %s", status.AtRisk, status.Fault)
	}
	return nil
}

package publish

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"herald.example/internal/fetch"
	"herald.example/internal/link"
	"herald.example/internal/share"
	"herald.example/internal/site"
)

// Directory knows whose the identities are. Unknown tokens are site.ErrNotFound.
type Directory interface {
	Site(idOrName string) (site.Site, error)
	User(ctx context.Context, siteID, token string) (site.Person, error)
	Identity(ctx context.Context, siteID, token string) (site.Identity, error)
	Unseal(ctx context.Context, siteID, identity string) (site.Opened, error)
}

// Accounts changes what the directory knows of identities.
type Accounts interface {
	SaveCredentials(ctx context.Context, siteID, identity string, c site.Credentials) error
	MarkBroken(ctx context.Context, siteID, identity, reason string) error
	SetProfile(ctx context.Context, siteID, identity string, a site.Account, p site.Profile) (site.Identity, error)
	Login(ctx context.Context, siteID string, l site.Login) (site.Person, site.Identity, site.Connection, error)
}

// Links is the shortener. Put is atomic and, for drafts with a slug, idempotent; a
// draft at fault is named by a *link.DraftError.
type Links interface {
	Put(ctx context.Context, drafts []link.Draft) ([]link.Link, error)
	Bases(ctx context.Context) (link.Bases, error)
}

// Fetcher brings pictures and videos from the web, of at most max bytes. For its
// errors see fetch.Mistake.
type Fetcher interface {
	Fetch(ctx context.Context, url string, max int64) (fetch.Media, error)
}

// Options are what a Publisher is made from. Store to Fetcher must be set.
type Options struct {
	Store interface {
		Store
		Outbox
		BasesStore
	}
	Directory interface {
		Directory
		Accounts
	}
	Links    Links
	Networks Networks
	Fetcher  Fetcher

	// Domains are where short URLs live of sites that have no domain of their own and are
	// in a data centre, by its name.
	Domains map[string]string

	Wait        time.Duration // how long Publish waits for the networks; 0: 10 s
	TokenLength int           // characters of links' tokens; 0: link.DefaultToken
	Calls       int           // calls of one server of a network at a time, and an eighth more with pictures or videos; 0: 256
	MediaBytes  int64         // bytes of pictures and videos in memory at a time, half of them for one site; 0: 256 MiB
	Drain       time.Duration // how long Run waits for calls under way when it ends; 0: 10 s
	Log         *slog.Logger  // nil: no log
}

// Limits that are no settings.
const (
	giveUp        = 24 * time.Hour   // after it was accepted, a publication is not tried again, unless it is Brief
	callTimeout   = 6 * time.Minute  // one try with all that belongs to it; adapters bound single requests
	laneTimeout   = time.Minute      // for its turn; then a publication stands aside
	renewTimeout  = time.Minute      // for renewing credentials, which nothing may cut
	storeTimeout  = 30 * time.Second // for writing an outcome, also while stopping
	maxFlights    = 4096             // publications in memory; more wait in the outbox
	maxBackoff    = 30 * time.Minute
	basesInterval = time.Minute // between readings of the shortener's bases
	lookInterval  = time.Minute // between looks at the outbox, at most: somebody may set the clock
)

// Publisher accepts messages and brings them out. Make one with New; publications
// go out while Run runs. All methods are safe for concurrent use.
type Publisher struct {
	o     Options
	log   *slog.Logger
	bases atomic.Pointer[link.Bases] // last known; nil: never read
	wake  chan struct{}              // holds a value when the outbox should be looked at
	ready chan struct{}              // closed when Run runs for the first time

	lanes     keyed // calls at a time for a server
	heavy     keyed // the same, of calls that hold pictures and videos in memory
	media     *share.Pool
	refreshes keyed // one refresh at a time for an identity
	pauses    pauses
	counts    counts

	mu       sync.Mutex // protects what follows
	flights  map[Ref]*flight
	running  context.Context // of Run, for deliveries; nil: Run does not run
	stop     <-chan struct{} // closed when Run shall end
	underway sync.WaitGroup  // deliveries; added to under mu while running is set
}

// New returns a Publisher. It starts nothing.
func New(o Options) *Publisher {
	set(&o.Wait, 10*time.Second)
	set(&o.Drain, 10*time.Second)
	set(&o.TokenLength, link.DefaultToken)
	set(&o.Calls, 256)
	set(&o.MediaBytes, 256<<20)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Publisher{
		o: o, log: o.Log,
		wake:  make(chan struct{}, 1),
		ready: make(chan struct{}),
		// A server that takes none of them leaves room for publications to others.
		lanes:     keyed{places: o.Calls, most: min(4*o.Calls, maxFlights/4)},
		heavy:     keyed{places: max(o.Calls/8, 1), most: min(4*o.Calls, maxFlights/4)},
		media:     share.NewPool(o.MediaBytes),
		refreshes: keyed{places: 1, most: maxFlights},
		flights:   make(map[Ref]*flight),
	}
}

func set[T int | int64 | time.Duration](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}

// Run brings publications out until ctx is done, then waits for the calls under
// way, at most Options.Drain, or a minute for a renewal of credentials, which is not
// cut, and returns nil. What was not finished goes on with
// the next Run, also of another process. It is called once at a time.
func (p *Publisher) Run(ctx context.Context) error {
	deliveries, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	p.mu.Lock()
	p.running, p.stop = deliveries, ctx.Done()
	p.mu.Unlock()
	select {
	case <-p.ready:
	default:
		close(p.ready)
	}

	var keeper sync.WaitGroup
	keeper.Go(func() { p.keepBases(ctx) })
	p.dispatch(ctx)
	keeper.Wait()

	p.mu.Lock()
	p.running = nil // no delivery begins any more
	p.mu.Unlock()
	drained := time.AfterFunc(p.o.Drain, cut)
	defer drained.Stop()
	p.underway.Wait()
	return nil
}

// keepBases reads the bases from time to time until ctx is done. It is apart from
// dispatch, which must not wait for a shortener.
func (p *Publisher) keepBases(ctx context.Context) {
	for ctx.Err() == nil {
		p.readBases(ctx) //nolint:errcheck // who needs them asks again
		pause(ctx.Done(), basesInterval)
	}
}

// dispatch starts what is due in the outbox until ctx is done.
func (p *Publisher) dispatch(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	failures := 0
	for {
		next, err := p.startDue(ctx)
		wait := lookInterval
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			failures++
			wait = min(time.Duration(failures)*time.Second, wait)
			p.log.Error("the outbox cannot be read", "error", err, "failures", failures)
		default:
			failures = 0
			if !next.IsZero() {
				wait = min(time.Until(next), wait)
			}
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return
		case <-p.wake:
		case <-timer.C:
		}
	}
}

// startDue starts deliveries of what is due and not under way, as far as there is
// room, and returns when it should be called again.
func (p *Publisher) startDue(ctx context.Context) (next time.Time, err error) {
	p.mu.Lock()
	room := maxFlights - len(p.flights)
	p.mu.Unlock()
	if room <= 0 {
		return time.Time{}, nil // a delivery that ends wakes the dispatcher
	}
	refs, next, err := p.o.Store.Due(ctx, time.Now(), room, p.flying)
	if err != nil {
		return time.Time{}, err
	}
	for _, ref := range refs {
		p.start(ref, nil, Publication{}, nil)
	}
	return next, nil
}

// flying says whether a publication is under way in this process.
func (p *Publisher) flying(ref Ref) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.flights[ref] != nil
}

// rouse makes the dispatcher look at the outbox.
func (p *Publisher) rouse() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// Bases returns the bases of short URLs as they were last known: also while a
// separate shortener cannot be reached. It fails with ErrUnavailable when they
// were never known.
func (p *Publisher) Bases(ctx context.Context) (link.Bases, error) {
	if bases := p.bases.Load(); bases != nil {
		return *bases, nil
	}
	return p.readBases(ctx)
}

// Domain is where the short URLs of a site live: its own domain, or that of its data
// centre, or the shortener's default. Errors are those of Bases.
func (p *Publisher) Domain(ctx context.Context, s site.Site) (string, error) {
	if s.Domain != "" {
		return s.Domain, nil
	}
	if domain := p.o.Domains[s.Gigya.DataCentre]; domain != "" {
		return domain, nil
	}
	bases, err := p.Bases(ctx)
	if err != nil {
		return "", err
	}
	return bases.Default(), nil
}

// readBases asks the shortener, else the store, and remembers the answer.
func (p *Publisher) readBases(ctx context.Context) (link.Bases, error) {
	known := p.bases.Load()
	bases, err := p.o.Links.Bases(ctx)
	if err == nil && len(bases) > 0 {
		if known == nil || !equal(*known, bases) {
			if err := p.o.Store.PutBases(ctx, bases); err != nil && ctx.Err() == nil {
				p.log.Warn("the bases of short URLs cannot be remembered", "error", err)
			}
		}
		p.bases.Store(&bases)
		return bases, nil
	}
	if known != nil {
		return *known, nil
	}
	stored, storeErr := p.o.Store.Bases(ctx)
	if storeErr == nil && len(stored) > 0 {
		p.bases.CompareAndSwap(nil, &stored)
		return stored, nil
	}
	return nil, fmt.Errorf("%w: the shortener, which knows the domain of short URLs, was never reached: %w", ErrUnavailable, errors.Join(err, storeErr))
}

// equal says whether two lists of bases are the same.
func equal(a, b link.Bases) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// Message reads a message and its publications in the order of their numbers.
func (p *Publisher) Message(ctx context.Context, siteID, token string) (Message, []Publication, error) {
	return p.o.Store.Message(ctx, siteID, token)
}

// Messages lists the messages of a site.
func (p *Publisher) Messages(ctx context.Context, siteID string, q site.ListQuery) (site.Page[Head], error) {
	return p.o.Store.List(ctx, siteID, q)
}

// Delete removes a message. What it has on the networks stays there, its short URLs
// go on redirecting, and what is not yet published will not be.
func (p *Publisher) Delete(ctx context.Context, siteID, token string) error {
	return p.o.Store.Delete(ctx, siteID, token)
}

// ForgetLink takes a link out of the message that it was made for, if it was.
func (p *Publisher) ForgetLink(ctx context.Context, siteID string, l link.Link) error {
	message, number, ok := ParseName(l.Publication)
	if !ok {
		return nil
	}
	_, err := p.o.Store.Update(ctx, Ref{siteID, message, number}, func(pub *Publication) error {
		for i := range pub.Links {
			if pub.Links[i].Ref == l.Ref {
				pub.Links[i].Deleted = true
			}
		}
		return nil
	})
	if errors.Is(err, ErrNotFound) { // the message was deleted before
		return nil
	}
	return err
}

// Providers are the networks that this server knows.
func (p *Publisher) Providers(s site.Site) []Provider { return p.o.Networks.Providers(s) }

// Backoff is how long to wait before the next try, after so many: 1, 2, 4 …
// minutes, at most 30, each shortened by up to a quarter so that many do not come
// back at once.
func backoff(tries int) time.Duration {
	wait := maxBackoff
	if tries <= 5 {
		wait = time.Minute << max(tries-1, 0)
	}
	return wait - rand.N(wait/4)
}

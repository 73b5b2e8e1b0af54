package counter

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"herald.example/internal/counter/ledger"
	"herald.example/internal/link"
)

// Options are the settings of a Counter; zero fields take the defaults.
type Options struct {
	Flush   time.Duration // how often counts are committed; 0: 1 s
	Country func(netip.Addr) string
	Ledger  ledger.Options // its Log and Now are set from those below
	Log     *slog.Logger
	Now     func() time.Time
}

// Counter is the ledger of a folder together with the counts made from it. All
// methods are safe for concurrent use.
type Counter struct {
	ledger *ledger.Ledger
	store  Store
	opts   Options
	log    *slog.Logger

	// foldMu protects the fold: what was read from the ledger and is not known
	// to be in the store.
	foldMu     sync.Mutex
	source     string // UUID of the ledger, known once its folder could be used
	reader     *ledger.Reader
	classifier *Classifier
	intern     *Interner
	blockIDs   blockIDs
	folded     uint64 // ledger position of pending
	pending    []tally
	expected   int    // length of pending at the last flush
	offered    *offer // a flush under way, or one that failed and is tried again

	keepMu    sync.RWMutex // held for reading by those who need the ledger as it is
	flushMu   sync.Mutex   // one flush at a time
	number    uint64       // of the last batch offered; protected by flushMu
	committed atomic.Uint64
	damaged   atomic.Uint64
	merges    atomic.Uint64
	hurry     atomic.Bool // Run ends
}

// tally is one hit as the fold leaves it.
type tally struct {
	link    uint64
	ordinal uint64
	time    int64 // Unix seconds
	traits  uint32
}

// offer is a batch on its way to the store, and the tallies it was made from.
type offer struct {
	batch   *Batch
	tallies []tally
	intern  *Interner // a snapshot: nobody numbers traits in it
}

// maxPending is how many hits the fold holds before it flushes early: 4 MB.
const maxPending = 128 << 10

// Open opens the ledger in dir and resumes counting into store where the store
// says it stopped. It fails when the ledger is in use by another process, or
// when the store cannot be read; a ledger that is damaged or cannot be written
// is told by Status.
func Open(dir string, store Store, opts Options) (*Counter, error) {
	if opts.Flush <= 0 {
		opts.Flush = time.Second
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	opts.Ledger.Log, opts.Ledger.Now = opts.Log, opts.Now
	// Before the ledger is open its source is not known; ordinals must not fall
	// below any position that was counted, from whatever source.
	_, floor, err := store.Applied("")
	if err != nil {
		return nil, fmt.Errorf("open counter: %w", err)
	}
	l, err := ledger.Open(dir, floor, opts.Ledger)
	if err != nil {
		return nil, fmt.Errorf("open counter: %w", err)
	}
	c := &Counter{ledger: l, store: store, opts: opts, log: opts.Log, classifier: NewClassifier(opts.Country), intern: new(Interner)}
	c.reader = l.NewReader(floor)
	c.folded = floor
	c.committed.Store(floor)
	return c, nil
}

// Append takes a hit; see ledger.Ledger.Append.
func (c *Counter) Append(h *link.Hit) { c.ledger.Append(h) }

// Run keeps the ledger, folds, flushes and merges until ctx is done, and then
// folds and flushes what is left. It returns the errors of that last time.
func (c *Counter) Run(ctx context.Context) error {
	var g errgroup.Group
	ledgerCtx, stopLedger := context.WithCancel(context.WithoutCancel(ctx))
	defer stopLedger()
	g.Go(func() error { return c.ledger.Run(ledgerCtx) })
	g.Go(func() error { c.flushLoop(ctx); return nil })
	g.Go(func() error { c.mergeLoop(ctx); return nil })
	<-ctx.Done()
	c.hurry.Store(true)
	stopLedger()
	err := g.Wait()
	return errors.Join(err, c.Flush())
}

func (c *Counter) flushLoop(ctx context.Context) {
	// The fold runs more often than the flush, so that it meets blocks that are
	// still in the processor's cache, and a full pending is flushed early.
	fold := time.NewTicker(max(c.opts.Flush/10, time.Millisecond))
	defer fold.Stop()
	p := pace{hurry: &c.hurry}
	last := c.opts.Now()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-fold.C:
		}
		full, err := c.fold()
		now := c.opts.Now()
		if err == nil && !full && now.Sub(last) < c.opts.Flush && !now.Before(last) {
			continue
		}
		last = now
		if err == nil {
			err = c.flush(&p)
		}
		if err == nil {
			err = c.Prune()
		}
		if err != nil && !failing {
			c.log.Error("counts cannot be stored; hits stay in the ledger", "cause", err)
		}
		if err == nil && failing {
			c.log.Info("counts are stored again", "position", c.committed.Load())
		}
		failing = err != nil
	}
}

// mergeLoop merges while there is something to merge, in small steps: between
// two of them a flush finds the store free.
func (c *Counter) mergeLoop(ctx context.Context) {
	tick := time.NewTicker(c.opts.Flush)
	defer tick.Stop()
	p := pace{hurry: &c.hurry}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for more := true; more && ctx.Err() == nil; {
			var err error
			if more, err = c.store.Merge(c.ledger.Oldest(), p.breathe); err != nil {
				c.log.Warn("counts not merged; tried again", "cause", err)
				break
			}
			if more {
				c.merges.Add(1)
			}
		}
	}
}

// CatchUp folds all hits taken before the call and returns the ledger position
// reached. Run does it all the time; readings do it first.
func (c *Counter) CatchUp() (position uint64, err error) {
	if _, err := c.ledger.Drain(); err != nil {
		return 0, err
	}
	for {
		full, err := c.fold()
		if err != nil {
			return 0, err
		}
		if !full {
			c.foldMu.Lock()
			defer c.foldMu.Unlock()
			return c.folded, nil
		}
		if err := c.flush(nil); err != nil {
			return 0, err
		}
	}
}

// Flush folds and commits all hits taken before the call.
func (c *Counter) Flush() error {
	if _, err := c.CatchUp(); err != nil {
		return err
	}
	return c.flush(nil)
}

// Prune removes what the ledger's options say is too old or too much, as far as
// it is counted. Run does it with every flush. While a Verify is under way it is
// put off: a segment gone in the middle would look like damage.
func (c *Counter) Prune() error {
	if !c.keepMu.TryLock() {
		return nil
	}
	defer c.keepMu.Unlock()
	return c.ledger.Prune(c.committed.Load())
}

// Close gives the ledger back. Run must have returned. The store is the
// caller's.
func (c *Counter) Close() error {
	return errors.Join(c.reader.Close(), c.ledger.Close())
}

// Status is the state of the ledger and of the counts.
type Status struct {
	ledger.Status
	Folded  uint64 // ledger position of the committed counts
	Damaged uint64 // hits that the fold had to pass over since Open
	Merges  uint64 // steps of merging since Open
}

// Status returns the state of health.
func (c *Counter) Status() Status {
	return Status{Status: c.ledger.Status(), Folded: c.committed.Load(), Damaged: c.damaged.Load(), Merges: c.merges.Load()}
}

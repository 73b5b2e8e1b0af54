package publish

import (
	"context"
	"maps"
	"sync"
	"sync/atomic"
)

// counts are what a Publisher has done since it was made.
type counts struct {
	accepted atomic.Uint64

	mu       sync.Mutex // protects what follows
	ends     map[End]uint64
	refusals map[Refused]uint64
}

// End names publications that came to an end alike.
type End struct {
	Provider string
	State    State
}

// Refused names refusals of a kind by a network, also those that are repeated.
type Refused struct {
	Provider string
	Kind     Kind
}

// ended counts a publication that came to its end.
func (c *counts) ended(pub Publication) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ends == nil {
		c.ends = make(map[End]uint64)
	}
	c.ends[End{pub.Provider, pub.State}]++
}

// refused counts a refusal.
func (c *counts) refused(provider string, kind Kind) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refusals == nil {
		c.refusals = make(map[Refused]uint64)
	}
	c.refusals[Refused{provider, kind}]++
}

// Stats are what a Publisher has done since it was made, and what it holds now.
// Providers in it are those that the server knows, so that they are few.
type Stats struct {
	Accepted uint64 // messages, published again ones included
	Ends     map[End]uint64
	Refusals map[Refused]uint64
	Flights  int   // publications under way in memory
	Waiting  int   // publications in the outbox, those under way included
	Media    int64 // bytes of pictures and videos that there is room taken for
}

// Stats reads the counters.
func (p *Publisher) Stats(ctx context.Context) (Stats, error) {
	waiting, err := p.o.Store.Waiting(ctx)
	p.counts.mu.Lock()
	s := Stats{Accepted: p.counts.accepted.Load(), Ends: maps.Clone(p.counts.ends), Refusals: maps.Clone(p.counts.refusals), Waiting: waiting, Media: p.media.Held()}
	p.counts.mu.Unlock()
	p.mu.Lock()
	s.Flights = len(p.flights)
	p.mu.Unlock()
	return s, err
}

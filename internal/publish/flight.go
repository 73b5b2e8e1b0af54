package publish

import (
	"context"
	"errors"
	"sync"
)

// flight is a publication under way in this process. At most one is under way for
// a publication, so that nobody gives it to the network twice.
type flight struct {
	ref   Ref
	files *files
	done  chan struct{} // closed when the flight has ended

	mu      sync.Mutex // protects what follows
	message *Message   // nil: not read yet
	pub     Publication
}

// publication is how far it is known to be.
func (f *flight) publication() Publication {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.pub
}

// note keeps what the store holds now.
func (f *flight) note(pub Publication) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pub = pub
}

// errOvertaken is returned when a publication went on without this flight.
var errOvertaken = errors.New("the publication went on without this flight")

// overtaken says whether the store's publication is further than the flight knows. A
// flight may begin with what was known at the acceptance, and between that and its
// beginning the dispatcher may have seen the publication to its end: each writing of a
// flight asks this first, in its transaction, so that nothing is posted twice and no
// outcome is written over.
func (f *flight) overtaken(stored *Publication) error {
	if stored.State.Final() || stored.Tries != f.publication().Tries {
		return errOvertaken
	}
	return nil
}

// depart puts the links of a round and starts its publications. What it cannot do
// is left to the outbox.
func (p *Publisher) depart(ctx context.Context, round Round) {
	select {
	case <-p.ready: // a request that comes while the program starts waits for it
	case <-ctx.Done():
		return // Run looks into the outbox first
	}
	if err := p.putLinks(ctx, round.Publications); err != nil && ctx.Err() == nil {
		p.log.Warn("links cannot be made; the publications wait", "message", round.Message.Token, "error", err)
	}
	shared := new(files)
	left := false
	for _, pub := range round.Publications {
		if !pub.State.Final() && !p.start(pub.Ref(), &round.Message, pub, shared) {
			left = true
		}
	}
	if left {
		p.rouse()
	}
}

// start begins a flight, unless there is no room, the publication is under way, or
// Run does not run. message may be nil: then message and publication are read.
func (p *Publisher) start(ref Ref, message *Message, pub Publication, shared *files) bool {
	if shared == nil {
		shared = new(files)
	}
	f := &flight{ref: ref, files: shared, done: make(chan struct{}), message: message, pub: pub}
	p.mu.Lock()
	ctx := p.running
	if ctx == nil || p.flights[ref] != nil || len(p.flights) >= maxFlights {
		p.mu.Unlock()
		return false
	}
	p.flights[ref] = f
	p.underway.Add(1)
	p.mu.Unlock()
	go func() {
		defer p.underway.Done()
		ctx, cancel := context.WithTimeout(ctx, callTimeout)
		defer cancel()
		p.deliver(ctx, f)
		p.mu.Lock()
		delete(p.flights, ref)
		p.mu.Unlock()
		close(f.done)
		p.rouse() // there is room, and it may be due again
	}()
	return true
}

// await waits until publications are final, or have to wait for a later try, or ctx
// is done, and brings them up to date in place.
func (p *Publisher) await(ctx context.Context, pubs []Publication) {
	for i := range pubs {
		if pubs[i].State.Final() {
			continue
		}
		ref := pubs[i].Ref()
		p.mu.Lock()
		f := p.flights[ref]
		p.mu.Unlock()
		if f == nil { // it has ended, or has not begun
			p.look(ctx, &pubs[i])
			continue
		}
		select {
		case <-f.done:
		case <-ctx.Done():
		}
		if pub := f.publication(); pub.Message != "" {
			pubs[i] = pub
		}
		if !pubs[i].State.Final() && ctx.Err() == nil { // the flight was overtaken, or a later try is due
			p.look(ctx, &pubs[i])
		}
	}
}

// look brings a publication up to date from the store, if it can.
func (p *Publisher) look(ctx context.Context, pub *Publication) {
	if _, stored, err := p.o.Store.Publication(context.WithoutCancel(ctx), pub.Ref()); err == nil {
		*pub = stored
	}
}

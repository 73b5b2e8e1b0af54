package publish

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// flight is a publication under way in this process. At most one is under way for
// a publication, so that nobody gives it to the network twice.
type flight struct {
	ref   Ref
	files *files
	parts Parts         // of the message, for its provider; set when the message is known
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
	known := f.publication()
	if stored.State.Final() || known.Message != "" && stored.Tries != known.Tries {
		return errOvertaken
	}
	return nil
}

// depart puts the links of a round and starts its publications, also when ctx is
// done. What it cannot do is left to the outbox.
func (p *Publisher) depart(ctx context.Context, round Round) {
	select {
	case <-p.ready:
	default:
		select {
		case <-p.ready: // a request that comes while the program starts waits for it
		case <-ctx.Done():
			return // Run looks into the outbox first
		}
	}
	for some := range slices.Chunk(round.Publications, putTogether) {
		if err := p.putLinks(ctx, some); err != nil {
			if ctx.Err() == nil {
				p.log.Warn("links cannot be made; the publications wait", "message", round.Message.Token, "error", err)
			}
			break
		}
	}
	// Those that wait do not keep the uploads in memory.
	message, shared, left := round.Message, newFiles(), false
	shared.use()
	defer shared.leave()
	message.Parts.Uploads = slices.Clone(message.Parts.Uploads)
	for i := range message.Parts.Uploads {
		message.Parts.Uploads[i].Data = nil
	}
	for _, pub := range round.Publications {
		if !pub.State.Final() && !p.start(pub.Ref(), &message, pub, shared) {
			left = true
		}
	}
	if left {
		p.rouse()
	}
}

// putTogether is how many publications' links are put at once: of MaxTracked links
// each, whose targets are no longer than MaxText, they fit into what a shortener takes.
const putTogether = 10

// start begins a flight, unless there is no room, the publication is under way, or
// Run does not run. message may be nil: then message and publication are read.
func (p *Publisher) start(ref Ref, message *Message, pub Publication, shared *files) bool {
	if shared == nil {
		shared = newFiles()
	}
	f := &flight{ref: ref, files: shared, done: make(chan struct{}), message: message, pub: pub}
	p.mu.Lock()
	ctx, stop := p.running, p.stop
	if ctx == nil || p.flights[ref] != nil || len(p.flights) >= maxFlights {
		p.mu.Unlock()
		return false
	}
	p.flights[ref] = f
	p.underway.Add(1)
	p.mu.Unlock()
	shared.use()
	go func() {
		defer p.underway.Done()
		written := p.deliver(ctx, f)
		shared.leave()
		if !written {
			close(f.done)
			pause(stop, time.Minute) // in the way of nobody but itself
			p.land(f)
			return
		}
		p.land(f)
		close(f.done)
	}()
	return true
}

// land takes a flight that has ended out of those under way.
func (p *Publisher) land(f *flight) {
	p.mu.Lock()
	delete(p.flights, f.ref)
	p.mu.Unlock()
	p.rouse() // there is room, and it may be due again
}

// pause waits until stop is closed, or a time is over.
func pause(stop <-chan struct{}, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-stop:
	case <-timer.C:
	}
}

// await waits until publications are final, or have to wait for a later try, or ctx
// is done, and brings them up to date in place.
func (p *Publisher) await(ctx context.Context, pubs []Publication) {
	for i := range pubs {
		for !pubs[i].State.Final() {
			p.mu.Lock()
			f, runs := p.flights[pubs[i].Ref()], p.running != nil
			p.mu.Unlock()
			if f != nil {
				select {
				case <-f.done:
				case <-ctx.Done():
				}
				if pub := f.publication(); pub.State.Final() { // saves the reading
					pubs[i] = pub
					break
				}
			}
			p.look(ctx, &pubs[i])
			if pubs[i].State.Final() || pubs[i].Due.After(time.Now()) || !runs || ctx.Err() != nil {
				break
			}
			pause(ctx.Done(), awaitInterval) // it is about to begin, for whoever had it accepted
		}
	}
}

// awaitInterval is between looks at a publication that has not begun: shorter than
// people notice.
const awaitInterval = 50 * time.Millisecond

// look brings a publication up to date from the store, if it can.
func (p *Publisher) look(ctx context.Context, pub *Publication) {
	if _, stored, err := p.o.Store.Publication(context.WithoutCancel(ctx), pub.Ref()); err == nil {
		*pub = stored
	}
}

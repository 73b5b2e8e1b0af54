package publish

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"herald.example/internal/publish/render"
	"herald.example/internal/site"
)

// deliver takes one publication as far as it goes now, and writes how far that is. It
// returns false when that cannot be written: then the outbox has it as it was.
func (p *Publisher) deliver(ctx context.Context, f *flight) (written bool) {
	err := p.tryGuarded(ctx, f)
	if left(err) || ctx.Err() != nil { // Run ends; the outbox has it
		return true
	}
	p.log.Error("a publication stays where it is", "publication", f.ref.Message, "number", f.ref.Number, "error", err)
	// Left alone for a minute, so that it is not tried in a loop.
	if err = p.settle(f, laterOutcome(time.Minute)); left(err) {
		return true
	}
	p.log.Error("a publication cannot be postponed", "publication", f.ref.Message, "number", f.ref.Number, "error", err)
	return false
}

// left says whether a flight has left its publication as it should: with an outcome, or
// to others, or deleted.
func left(err error) bool {
	return err == nil || errors.Is(err, ErrNotFound) || errors.Is(err, errOvertaken)
}

// tryGuarded turns a panic, which hostile input might cause somewhere below, into an
// error: one publication stays, the others go on.
func (p *Publisher) tryGuarded(ctx context.Context, f *flight) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("BUG: panic: %v\n%s", v, debug.Stack())
		}
	}()
	return p.tryDeliver(ctx, f)
}

// attempt is all that a try needs to know.
type attempt struct {
	site    site.Site
	network Network
	who     site.Opened
	post    render.Post
	note    string // losses, for the receipt
}

// tryDeliver does the work of deliver. It returns an error when the outcome could
// not be written, or something of our own failed.
func (p *Publisher) tryDeliver(ctx context.Context, f *flight) error {
	if f.message == nil {
		message, pub, err := p.o.Store.Publication(ctx, f.ref)
		if err != nil {
			return err
		}
		f.message = &message
		f.note(pub)
	}
	pub := f.publication()
	f.parts = f.message.Parts.Of(pub.Provider)
	switch {
	case pub.State.Final():
		return nil
	case pub.State == Pending && late(pub, time.Now()): // the program did not run for so long
		return p.settle(f, gaveUpOutcome)
	case !pub.LinksPut && len(pub.Links) > 0:
		one := []Publication{pub}
		err := p.putLinks(ctx, one)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if pub = one[0]; err != nil {
			return p.settle(f, p.linksOutcome(pub, err))
		}
	}
	leave, err := p.enter(ctx, f, pub)
	if ctx.Err() != nil {
		return ctx.Err()
	} else if err != nil {
		return p.settle(f, laterOutcome(standAside(time.Since(pub.Created))))
	}
	defer leave()
	call, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return p.call(call, f, pub)
}

// enter waits until there may be one more call for the server of a publication. It
// fails when too many wait already, or it takes too long.
func (p *Publisher) enter(ctx context.Context, f *flight, pub Publication) (leave func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, laneTimeout)
	defer cancel()
	if parts := &f.parts; parts.Picture != nil || parts.Video != nil || len(parts.Uploads) > 0 {
		return p.heavy.lock(ctx, p.lane(ctx, pub))
	}
	return p.lanes.lock(ctx, p.lane(ctx, pub))
}

// lane names whom the calls of a publication go to: one server that is slow must not
// keep those for others waiting.
func (p *Publisher) lane(ctx context.Context, pub Publication) string {
	i, err := p.o.Directory.Identity(ctx, pub.Site, pub.Identity)
	if err != nil { // which prepare finds, too
		return pub.Provider
	}
	return pub.Provider + " " + i.Account.Server
}

// standAside is how long a publication that began so long ago leaves room for others
// when too many wait for its server: seconds after a rush, minutes when nothing has moved for long.
func standAside(since time.Duration) time.Duration {
	wait := min(max(since/4, 5*time.Second), 5*time.Minute)
	return wait + rand.N(wait)
}

// cut says whether a call ends because Run does, and not because its time is over.
func cut(ctx context.Context) bool { return errors.Is(ctx.Err(), context.Canceled) }

// call makes the calls that a publication needs now. Its links are put.
func (p *Publisher) call(ctx context.Context, f *flight, pub Publication) error {
	a, err := p.prepare(ctx, f, pub)
	if cut(ctx) {
		return ctx.Err() // nothing was posted: the outbox has it
	}
	if err != nil {
		if _, ok := errors.AsType[*Error](err); !ok {
			p.log.Error("a publication cannot be prepared", "publication", pub.Name(), "provider", pub.Provider, "error", err)
		}
		return p.settle(f, p.unsentOutcome(pub, err))
	}
	if pub.State == Sending { // a try before this one has no known end
		absent, err := p.find(ctx, f, a, pub)
		if !absent || err != nil {
			return err
		}
	}
	// A network that says that the post is not there may get it again at once, but
	// not for ever.
	for range 2 {
		if late(pub, time.Now()) {
			return p.settle(f, gaveUpOutcome)
		}
		absent, err := p.send(ctx, f, a, pub)
		if !absent || err != nil {
			return err
		}
		pub = f.publication()
	}
	return p.settle(f, openOutcome(pub, backoff(pub.Tries)))
}

// send gives the post to the network, after it has been written that it will be. It
// returns true when the outcome was unknown at first, and the post turned out not to
// be there. A publication that is Sending has such a try behind it: what a Finder said
// of it was true when it said so, and is asked anew before a later try.
func (p *Publisher) send(ctx context.Context, f *flight, a *attempt, pub Publication) (absent bool, err error) {
	open := pub.State == Sending
	if until, paused := p.pauses.until(pub.Identity, time.Now()); paused {
		limited := &Error{Kind: RateLimited, Network: pub.Provider, Message: "The network asked to wait.", RetryAfter: time.Until(until)}
		return false, p.settle(f, p.unsentOutcome(pub, limited))
	}
	sent, err := p.o.Store.Update(ctx, f.ref, func(now *Publication) error {
		if err := f.overtaken(now); err != nil {
			return err
		}
		if !slices.EqualFunc(now.Links, pub.Links, sameLink) {
			return errOvertaken // a link was deleted: it is rendered anew
		}
		now.State, now.Sent, now.LinksPut = Sending, time.Now().UTC().Truncate(time.Millisecond), true
		now.Due = now.Sent
		now.Tries++
		return nil
	})
	if err != nil {
		return false, err
	}
	f.note(sent)
	receipt, err := a.network.Post(ctx, a.who, a.post)
	if expired(err) {
		if a.who, err = p.refresh(ctx, a, err); err == nil {
			receipt, err = a.network.Post(ctx, a.who, a.post)
		}
	}
	if err == nil {
		return false, p.settle(f, p.publishedOutcome(receipt, a.note))
	}
	if e, ok := errors.AsType[*Error](err); ok {
		switch {
		case e.Landed != nil:
			return false, p.settle(f, p.publishedOutcome(*e.Landed, a.note))
		case e.Kind == Duplicate && open: // the try before this one landed
			return false, p.settle(f, p.publishedOutcome(Receipt{}, a.note))
		case e.Kind == RateLimited && e.RetryAfter > 0:
			p.pauses.set(pub.Identity, time.Now().Add(e.RetryAfter))
		}
		p.noteBroken(a.who, e)
	} else {
		p.log.Error("an adapter failed", "publication", pub.Name(), "provider", pub.Provider, "error", err)
	}
	if err := p.settle(f, p.refusedOutcome(sent, err, open)); err != nil {
		return false, err
	}
	if !isUnknown(err) || cut(ctx) {
		return false, nil
	}
	return p.find(ctx, f, a, f.publication()) // at once: the caller still waits
}

// sameLink says whether a link was neither drawn anew nor deleted meanwhile.
func sameLink(a, b TrackedLink) bool { return a.Ref == b.Ref && a.Deleted == b.Deleted }

// find settles a publication that was given to the network without a known end. It
// returns true when the post is not there and may be made again.
func (p *Publisher) find(ctx context.Context, f *flight, a *attempt, pub Publication) (absent bool, err error) {
	finder, ok := a.network.(Finder)
	if !ok {
		return false, p.settle(f, unknownOutcome)
	}
	receipt, finding, err := finder.Find(ctx, a.who, a.post)
	if expired(err) {
		if a.who, err = p.refresh(ctx, a, err); err == nil {
			receipt, finding, err = finder.Find(ctx, a.who, a.post)
		}
	}
	switch {
	case err != nil && cut(ctx):
		return false, ctx.Err()
	case err != nil:
		if e, ok := errors.AsType[*Error](err); ok {
			p.noteBroken(a.who, e)
		}
		return false, p.settle(f, unsettledOutcome(pub, err))
	case finding == Found:
		return false, p.settle(f, p.publishedOutcome(receipt, a.note))
	case finding == Absent:
		return true, nil
	}
	return false, p.settle(f, unknownOutcome)
}

// settle writes an outcome: what a call has brought must be written also while the
// process stops, so it has a time of its own.
func (p *Publisher) settle(f *flight, outcome func(*Publication)) error {
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	pub, err := p.o.Store.Update(ctx, f.ref, func(pub *Publication) error {
		if err := f.overtaken(pub); err != nil {
			return err
		}
		outcome(pub)
		return nil
	})
	if err != nil {
		return fmt.Errorf("write the outcome of %s: %w", f.ref.Message, err)
	}
	f.note(pub)
	if pub.State.Final() {
		p.counts.ended(pub)
		p.log.Debug("publication has ended", "publication", pub.Name(), "provider", pub.Provider, "state", string(pub.State))
	}
	return nil
}

// prepare makes an attempt: it opens the account, renews credentials that have
// ended, fetches pictures and renders. Nothing was posted when it fails.
func (p *Publisher) prepare(ctx context.Context, f *flight, pub Publication) (*attempt, error) {
	s, err := p.o.Directory.Site(pub.Site)
	if err != nil {
		return nil, &Error{Kind: TargetMissing, Network: pub.Provider, Message: "The site is gone.", Err: err}
	}
	a := &attempt{site: s}
	if a.network, err = p.o.Networks.Network(s, pub.Provider); err != nil {
		r := networkRefusal(err, pub.Provider)
		return nil, &Error{Kind: r.Kind, Network: pub.Provider, Message: r.Message}
	}
	if a.who, err = p.o.Directory.Unseal(ctx, pub.Site, pub.Identity); err != nil {
		return nil, unsealError(pub.Provider, err)
	}
	if expires := a.who.Credentials.Expires; !expires.IsZero() && !time.Now().Before(expires.Add(-refreshEarly)) {
		ended := &Error{Kind: AuthExpired, Network: pub.Provider, Message: "The access token has ended."}
		if a.who, err = p.refresh(ctx, a, ended); err != nil {
			if e, ok := errors.AsType[*Error](err); ok {
				p.noteBroken(a.who, e)
			}
			return nil, err
		}
	}
	profileOf := a.network.Profile
	if former, ok := a.network.(ActionNetwork); ok && (f.parts.Action != nil || f.parts.checksIn()) {
		profileOf = former.ActionProfile
	}
	profile, err := profileOf(ctx, a.who)
	if err != nil {
		return nil, err
	}
	content, losses, err := p.content(ctx, f, pub, profile)
	if err != nil {
		return nil, err
	}
	post, more, err := render.Render(profile, content)
	if err != nil {
		kind := Unsupported
		if f.parts.Action != nil && content.Empty() && (f.parts.Picture != nil || f.parts.Video != nil) {
			kind = MediaInvalid // the network shows no media of this type
		}
		why := joinLosses(append([]render.Loss{render.Loss(err.Error())}, losses...))
		return nil, &Error{Kind: kind, Network: pub.Provider, Message: "This network cannot show the message: " + why + "."}
	}
	post.Key, post.Created = pub.Name(), pub.Created.UnixMilli()
	a.post, a.note = post, joinLosses(append(losses, more...))
	return a, nil
}

// refreshEarly is how long before their end credentials are renewed: a call takes
// less.
const refreshEarly = time.Minute

// unsealError says why an identity cannot act.
func unsealError(provider string, err error) error {
	switch {
	case errors.Is(err, site.ErrNotFound):
		return &Error{Kind: TargetMissing, Network: provider, Message: "The identity was deleted.", Err: err}
	case errors.Is(err, site.ErrSealed):
		return &Error{Kind: AppMisconfigured, Network: provider, Message: "The credentials cannot be unsealed on this server.", Err: err}
	}
	return err
}

// joinLosses makes one sentence of losses.
func joinLosses(losses []render.Loss) string {
	words := make([]string, len(losses))
	for i, l := range losses {
		words[i] = string(l)
	}
	return clip(strings.Join(words, "; "), MaxRefusal)
}

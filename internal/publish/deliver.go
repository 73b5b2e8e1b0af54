package publish

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"herald.example/internal/link"
	"herald.example/internal/publish/render"
	"herald.example/internal/site"
)

// deliver takes one publication as far as it goes now, and writes how far that is.
func (p *Publisher) deliver(ctx context.Context, f *flight) {
	err := p.tryGuarded(ctx, f)
	switch {
	case err == nil:
	case errors.Is(err, ErrNotFound): // the message was deleted meanwhile
	case errors.Is(err, errOvertaken):
	case ctx.Err() != nil: // Run ends; the outbox has it
	default:
		p.log.Error("a publication stays where it is", "publication", f.ref.Message, "number", f.ref.Number, "error", err)
		p.postpone(f, err)
	}
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

// postpone leaves a publication alone for a minute after a failure of our own, so
// that it is not tried in a loop.
func (p *Publisher) postpone(f *flight, cause error) {
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	pub, err := p.o.Store.Update(ctx, f.ref, func(pub *Publication) error {
		if !pub.State.Final() {
			pub.Due = time.Now().UTC().Add(time.Minute)
		}
		return nil
	})
	if err == nil {
		f.note(pub)
		return
	}
	if !errors.Is(err, ErrNotFound) {
		p.log.Error("a publication cannot be postponed", "publication", f.ref.Message, "number", f.ref.Number, "error", err, "cause", cause)
	}
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
	if pub.State.Final() {
		return nil
	}
	if !pub.LinksPut && len(pub.Links) > 0 {
		one := []Publication{pub}
		err := p.putLinks(ctx, one)
		if pub = one[0]; err != nil {
			return p.settle(f, p.linksOutcome(pub, err))
		}
	}
	select {
	case p.calls <- struct{}{}:
		defer func() { <-p.calls }()
	case <-ctx.Done():
		return ctx.Err()
	}
	a, err := p.prepare(ctx, f, pub)
	if ctx.Err() != nil {
		return ctx.Err() // nothing was posted: the outbox has it
	}
	if err != nil {
		if _, ok := errors.AsType[*Error](err); !ok {
			p.log.Error("a publication cannot be prepared", "publication", pub.Name(), "provider", pub.Provider, "error", err)
		}
		return p.settle(f, p.refusedOutcome(pub, err, false))
	}
	if pub.State == Sending { // a try before this one has no known end
		absent, err := p.find(ctx, f, a, pub)
		if !absent || err != nil {
			return err
		}
		pub.State = Pending
	}
	// A network that says that the post is not there may get it again at once, but
	// not for ever.
	for range 2 {
		absent, err := p.send(ctx, f, a, pub)
		if !absent || err != nil {
			return err
		}
		pub = f.publication()
		pub.State = Pending
	}
	return p.settle(f, p.againOutcome(pub))
}

// send gives the post to the network, after it has been written that it will be. It
// returns true when the outcome was unknown at first, and the post turned out not to
// be there.
func (p *Publisher) send(ctx context.Context, f *flight, a *attempt, pub Publication) (absent bool, err error) {
	if until, paused := p.pauses.until(pub.Identity, time.Now()); paused {
		limited := &Error{Kind: RateLimited, Network: pub.Provider, Message: "The network asked to wait.", RetryAfter: time.Until(until)}
		return false, p.settle(f, p.refusedOutcome(pub, limited, false))
	}
	sent, err := p.o.Store.Update(ctx, f.ref, func(now *Publication) error {
		if err := f.overtaken(now); err != nil {
			return err
		}
		now.State, now.Sent, now.Links, now.LinksPut = Sending, time.Now().UTC().Truncate(time.Millisecond), mergeLinks(now.Links, pub.Links), true
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
		case e.Kind == Duplicate && pub.Refusal != nil && pub.Refusal.Kind == UnknownOutcome:
			// The try before this one had no known end: it landed.
			return false, p.settle(f, p.publishedOutcome(Receipt{}, a.note))
		case e.Kind == RateLimited && e.RetryAfter > 0:
			p.pauses.set(pub.Identity, time.Now().Add(e.RetryAfter))
		case e.Kind == AuthExpired || e.Kind == AuthRevoked:
			p.markBroken(a.who, e)
		}
	} else {
		p.log.Error("an adapter failed", "publication", pub.Name(), "provider", pub.Provider, "error", err)
	}
	if err := p.settle(f, p.refusedOutcome(sent, err, true)); err != nil {
		return false, err
	}
	if !isUnknown(err) || ctx.Err() != nil {
		return false, nil
	}
	return p.find(ctx, f, a, f.publication()) // at once: the caller still waits
}

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
	case err != nil && ctx.Err() != nil:
		return false, ctx.Err()
	case err != nil:
		return false, p.settle(f, p.unsettledOutcome(pub, err))
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
			if e, ok := errors.AsType[*Error](err); ok && (e.Kind == AuthExpired || e.Kind == AuthRevoked) {
				p.markBroken(a.who, e)
			}
			return nil, err
		}
	}
	profile, err := a.network.Profile(ctx, a.who)
	if err != nil {
		return nil, err
	}
	content, losses, err := p.content(ctx, f, pub, profile)
	if err != nil {
		return nil, err
	}
	post, more, err := render.Render(profile, content)
	if err != nil {
		return nil, &Error{Kind: Unsupported, Network: pub.Provider, Message: "This network cannot show the message: " + err.Error() + "."}
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

// putLinks puts the links of publications that are not final and have none put yet,
// and notes it in place. A token that somebody else has meanwhile is drawn again.
func (p *Publisher) putLinks(ctx context.Context, pubs []Publication) error {
	// Two tries more than a stroke of bad luck needs.
	for try := 1; ; try++ {
		var drafts []link.Draft
		var of [][2]int // publication and link of each draft
		for i, pub := range pubs {
			if pub.State.Final() || pub.LinksPut {
				continue
			}
			for j, l := range pub.Links {
				drafts = append(drafts, link.Draft{Ref: l.Ref, Target: l.Target, Site: pub.Site, Publication: pub.Name()})
				of = append(of, [2]int{i, j})
			}
		}
		if len(drafts) == 0 {
			return nil
		}
		_, err := p.o.Links.Put(ctx, drafts)
		if err == nil {
			for i := range pubs {
				pubs[i].LinksPut = pubs[i].LinksPut || !pubs[i].State.Final()
			}
			return nil
		}
		draft, named := errors.AsType[*link.DraftError](err)
		if !named || !errors.Is(err, link.ErrTaken) || draft.Index >= len(of) || try == 3 {
			return err
		}
		at := of[draft.Index]
		if err := p.redraw(ctx, &pubs[at[0]], at[1]); err != nil {
			return err
		}
	}
}

// redraw gives a link another token, in the store first.
func (p *Publisher) redraw(ctx context.Context, pub *Publication, index int) error {
	old := pub.Links[index].Ref
	fresh := link.Ref{Domain: old.Domain, Slug: link.NewToken(p.o.TokenLength)}
	written, err := p.o.Store.Update(ctx, pub.Ref(), func(pub *Publication) error {
		for i := range pub.Links {
			if pub.Links[i].Ref == old {
				pub.Links[i].Ref = fresh
			}
		}
		return nil
	})
	if err == nil {
		pub.Links = written.Links
	}
	return err
}

// mergeLinks returns the links as they were put, with the marks of those deleted
// meanwhile.
func mergeLinks(stored, put []TrackedLink) []TrackedLink {
	links := slices.Clone(put)
	for i := range links {
		if i < len(stored) && stored[i].Ref == links[i].Ref {
			links[i].Deleted = stored[i].Deleted
		}
	}
	return links
}

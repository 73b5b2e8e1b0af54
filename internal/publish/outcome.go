package publish

import (
	"context"
	"errors"
	"time"

	"herald.example/internal/link"
	"herald.example/internal/site"
)

// What a try comes to, as an edit of its publication. The rules are those of
// providers.md, section 2.

// publishedOutcome: the network has it.
func (p *Publisher) publishedOutcome(r Receipt, note string) func(*Publication) {
	if r.At.IsZero() {
		r.At = time.Now()
	}
	r.At = r.At.UTC().Truncate(time.Millisecond)
	if r.Note == "" {
		r.Note = note
	} else if note != "" {
		r.Note = clip(r.Note+"; "+note, MaxRefusal)
	}
	return func(pub *Publication) { pub.State, pub.Receipt = Published, r }
}

// unknownOutcome: nobody can tell what became of it.
func unknownOutcome(pub *Publication) {
	pub.State = Unknown
	if pub.Refusal == nil || pub.Refusal.Kind != UnknownOutcome {
		pub.Refusal = &Refusal{Kind: UnknownOutcome, Message: unanswered, At: time.Now().UTC()}
	}
}

// unanswered is what people read of an unknown outcome.
const unanswered = "It was sent, and no answer came."

// openOutcome: what became of a try is still open. It goes on later, by asking the
// network, until it is too late.
func openOutcome(before Publication, wait time.Duration) func(*Publication) {
	due := time.Now().UTC().Add(wait)
	if late(before, due) {
		return unknownOutcome
	}
	return func(pub *Publication) {
		unknownOutcome(pub)
		pub.State, pub.Due = Sending, due
	}
}

// unsettledOutcome: the network could not be asked what became of a try.
func unsettledOutcome(before Publication, err error) func(*Publication) {
	now := time.Now()
	if asked(err) {
		return openOutcome(before, waitFor(err, before, now))
	}
	return openOutcome(before, growing(now.Sub(before.Sent)))
}

// unsentOutcome: the network was not given the post, because something before that
// failed.
func (p *Publisher) unsentOutcome(before Publication, err error) func(*Publication) {
	r := refusal(err)
	if r.Kind == UnknownOutcome {
		r.Kind = Transient // asking for limits or a picture makes no post
	}
	p.counts.refused(before.Provider, r.Kind)
	if before.State == Sending {
		return unsettledOutcome(before, err)
	}
	now := time.Now().UTC()
	// No tries were counted.
	wait, repeat := repeatAfter(r.Kind, err, before, now, growing(now.Sub(before.Created)))
	return repeatOutcome(before, r, Pending, now.Add(wait), repeat)
}

// refusedOutcome: the network did not take it, or gave no answer. open says that a try
// before this one has no known end: a Finder says so before the next one.
func (p *Publisher) refusedOutcome(before Publication, err error, open bool) func(*Publication) {
	r := refusal(err)
	now := time.Now().UTC()
	p.counts.refused(before.Provider, r.Kind)
	if r.Kind == UnknownOutcome {
		return func(pub *Publication) { pub.Refusal, pub.Due = r, now.Add(2*time.Second) } // stays Sending
	}
	state := Pending
	if open {
		state = Sending
	}
	wait, repeat := repeatAfter(r.Kind, err, before, now, backoff(before.Tries))
	return repeatOutcome(before, r, state, now.Add(wait), repeat)
}

// repeatOutcome: it was refused, and is tried again when it is due, if that is of any
// use.
func repeatOutcome(before Publication, r *Refusal, state State, due time.Time, repeat bool) func(*Publication) {
	if !repeat || before.Brief || late(before, due) {
		state = Failed
	}
	return func(pub *Publication) {
		pub.Refusal, pub.State = r, state
		if !state.Final() {
			pub.Due = due
		}
	}
}

// gaveUpOutcome: it is too late to try it, or to try it again.
func gaveUpOutcome(pub *Publication) {
	pub.State = Failed
	if pub.Refusal == nil || pub.Refusal.Kind == UnknownOutcome {
		pub.Refusal = &Refusal{Kind: Transient, Message: "It could not be published in time.", At: time.Now().UTC()}
	}
}

// laterOutcome: nothing was found out. It is looked at again after a while, until it is
// too late.
func laterOutcome(wait time.Duration) func(*Publication) {
	due := time.Now().UTC().Add(wait)
	return func(pub *Publication) {
		switch {
		case !late(*pub, due):
			pub.Due = due
		case pub.State == Sending:
			unknownOutcome(pub)
		default:
			gaveUpOutcome(pub)
		}
	}
}

// linksOutcome: the shortener did not take the links. They are put again soon,
// because the shortener is ours; what it refuses for good fails.
func (p *Publisher) linksOutcome(before Publication, err error) func(*Publication) {
	now := time.Now().UTC()
	r := &Refusal{Kind: Transient, Message: "The short URLs could not be made; it goes on when the shortener is back.", At: now}
	if _, named := errors.AsType[*link.DraftError](err); named {
		r.Kind, r.Message = AppMisconfigured, clip("The short URLs were refused: "+err.Error(), MaxRefusal)
	}
	wait := min(max(now.Sub(before.Created), time.Second), time.Minute) // twice as long each time
	p.counts.refused(before.Provider, r.Kind)
	return func(pub *Publication) {
		pub.Refusal = r
		if r.Kind != Transient || late(before, now.Add(wait)) {
			pub.State = Failed
			return
		}
		pub.Due = now.Add(wait)
	}
}

// refusal is an error as it is kept.
func refusal(err error) *Refusal {
	r := &Refusal{Kind: UnknownOutcome, Message: "Something on this server failed; its log says more.", At: time.Now().UTC()}
	if e, ok := errors.AsType[*Error](err); ok {
		r.Kind, r.Message, r.Status, r.Code, r.Trace = e.Kind, clip(e.Message, MaxRefusal), e.Status, clip(e.Code, 64), clip(e.Trace, 128)
		if r.Message == "" && e.Kind == UnknownOutcome {
			r.Message = unanswered
		}
	}
	return r
}

// repeatAfter says whether a refusal of a kind is tried again, and when: as the network
// asks, else after usual.
func repeatAfter(kind Kind, err error, before Publication, now time.Time, usual time.Duration) (wait time.Duration, repeat bool) {
	switch kind {
	case Transient, RateLimited:
	case QuotaExhausted: // counted by the day
		usual = now.Truncate(24 * time.Hour).Add(24*time.Hour + 5*time.Minute).Sub(now)
	case SpamBlocked:
		usual = 12 * time.Hour
	default:
		return 0, false
	}
	if asked(err) {
		usual = waitFor(err, before, now)
	}
	return usual, true
}

// late says whether a publication is not to be tried again at a time.
func late(pub Publication, at time.Time) bool {
	patience := giveUp
	if pub.Brief {
		patience = BriefTime
	}
	return at.After(pub.Created.Add(patience))
}

// asked says whether the network named a wait.
func asked(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.RetryAfter > 0
}

// waitFor is the wait that the network asked for. One that asks for next to nothing,
// again and again, is not called in a loop: a wait is a sixteenth of the time that has
// passed already, at least.
func waitFor(err error, before Publication, now time.Time) time.Duration {
	least := min(max(now.Sub(before.Created)/16, time.Second), maxBackoff)
	e, _ := errors.AsType[*Error](err)
	return max(e.RetryAfter, least)
}

// growing is how long to wait for the next try of what began so long ago: as long
// again and a minute more, which makes 1, 2, 4 … minutes. It may have begun in the
// future, when somebody has set the clock.
func growing(since time.Duration) time.Duration {
	return min(max(since, 0)+time.Minute, maxBackoff)
}

// isUnknown says whether nobody knows what became of a call.
func isUnknown(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return !ok || e.Kind == UnknownOutcome
}

// expired says whether new credentials may help.
func expired(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Kind == AuthExpired
}

// noteBroken notes that an identity must be connected again, when that is what the
// network says of credentials that are still those of the identity.
func (p *Publisher) noteBroken(who site.Opened, e *Error) {
	if e.Kind != AuthExpired && e.Kind != AuthRevoked {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	if now, err := p.o.Directory.Unseal(ctx, who.Site, who.Identity); err == nil && !sameTokens(now, who) {
		return // its user has connected it again meanwhile
	}
	if err := p.o.Directory.MarkBroken(ctx, who.Site, who.Identity, clip(e.Message, MaxRefusal)); err != nil && !errors.Is(err, site.ErrNotFound) {
		p.log.Warn("an identity cannot be marked", "identity", who.Identity, "error", err)
	}
}

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

// againOutcome: the post is not there and is made again after a while.
func (p *Publisher) againOutcome(before Publication) func(*Publication) {
	due := time.Now().UTC().Add(backoff(before.Tries))
	return func(pub *Publication) { pub.State, pub.Due = Pending, due }
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

// unsettledOutcome: the network could not be asked what became of it. It is asked
// again later, until it is too late.
func (p *Publisher) unsettledOutcome(before Publication, err error) func(*Publication) {
	now := time.Now().UTC()
	wait := growing(now.Sub(before.Sent))
	if asked(err) {
		wait = waitFor(err, 0)
	}
	due := now.Add(wait)
	if due.After(before.Created.Add(giveUp)) {
		return unknownOutcome
	}
	return func(pub *Publication) {
		unknownOutcome(pub)
		pub.State, pub.Due = Sending, due
	}
}

// refusedOutcome: the network did not take it. sent says whether the post was given
// to the network: only then can the outcome be unknown.
func (p *Publisher) refusedOutcome(before Publication, err error, sent bool) func(*Publication) {
	r := refusal(err)
	if !sent && r.Kind == UnknownOutcome {
		r.Kind = Transient // asking for limits or a picture makes no post
	}
	now := time.Now().UTC()
	p.counts.refused(before.Provider, r.Kind)
	if r.Kind == UnknownOutcome {
		return func(pub *Publication) { pub.Refusal, pub.Due = r, now.Add(2*time.Second) } // stays Sending
	}
	wait, repeat := repeatAfter(r.Kind, err, before, now, sent)
	if before.State == Sending && !sent {
		// What became of the try before is still open.
		return p.unsettledOutcome(before, err)
	}
	if repeat && now.Add(wait).After(before.Created.Add(giveUp)) {
		repeat = false
	}
	return func(pub *Publication) {
		pub.Refusal = r
		if !repeat {
			pub.State = Failed
			return
		}
		pub.State, pub.Due = Pending, now.Add(wait)
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
		if r.Kind != Transient || now.Add(wait).After(pub.Created.Add(giveUp)) {
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

// repeatAfter says whether a refusal of a kind is tried again, and when.
func repeatAfter(kind Kind, err error, before Publication, now time.Time, sent bool) (wait time.Duration, repeat bool) {
	switch kind {
	case Transient, RateLimited:
		if !sent && !asked(err) {
			// The network was not called, so no tries were counted.
			return growing(now.Sub(before.Created)), true
		}
		return waitFor(err, before.Tries), true
	case QuotaExhausted:
		if asked(err) {
			return waitFor(err, 0), true
		}
		// Quotas are counted by the day.
		return now.Truncate(24 * time.Hour).Add(24*time.Hour + 5*time.Minute).Sub(now), true
	case SpamBlocked:
		if asked(err) {
			return waitFor(err, 0), true
		}
		return 12 * time.Hour, true
	}
	return 0, false
}

// asked says whether the network named a wait.
func asked(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.RetryAfter > 0
}

// waitFor is the wait that the network asked for, else the backoff.
func waitFor(err error, tries int) time.Duration {
	if e, ok := errors.AsType[*Error](err); ok && e.RetryAfter > 0 {
		return e.RetryAfter
	}
	return backoff(tries)
}

// growing is how long to wait for the next try of what began so long ago: as long
// again and a minute more, which makes 1, 2, 4 … minutes.
func growing(since time.Duration) time.Duration {
	return min(since+time.Minute, maxBackoff)
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

// markBroken notes that an identity must be connected again.
func (p *Publisher) markBroken(who site.Opened, e *Error) {
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	if err := p.o.Directory.MarkBroken(ctx, who.Site, who.Identity, clip(e.Message, MaxRefusal)); err != nil && !errors.Is(err, site.ErrNotFound) {
		p.log.Warn("an identity cannot be marked", "identity", who.Identity, "error", err)
	}
}

package gigya

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"herald.example/internal/publish"
	"herald.example/internal/site"
)

// kindCodes are the codes for refusals of networks: contract, section 10. None of them
// is one that clients repeat by themselves.
var kindCodes = map[publish.Kind]code{
	publish.AuthExpired:       codeSession,
	publish.AuthRevoked:       codeSession,
	publish.PermissionMissing: codePermission,
	publish.AccountRestricted: codeProvider,
	publish.RateLimited:       codeLimit,
	publish.QuotaExhausted:    codeLimit,
	publish.Duplicate:         codeLimit,
	publish.SpamBlocked:       codeLimit,
	publish.ContentRejected:   codeProvider,
	publish.TextInvalid:       codeProvider,
	publish.MediaInvalid:      codeMedia,
	publish.LinkInvalid:       codeProvider,
	publish.TargetMissing:     codeProvider,
	publish.AppMisconfigured:  codeProviderApp,
	publish.Unsupported:       codeUnsupported,
	publish.Transient:         codeNetwork,
	publish.UnknownOutcome:    codeTimeout,
}

// codeOf is the code for a refusal.
func codeOf(kind publish.Kind) code {
	if c, known := kindCodes[kind]; known {
		return c
	}
	return codeProvider
}

// What is said of publications of which no end is known.
const (
	openDetails    = "It may still go out within a minute; until then the same is refused as a duplicate."
	unknownDetails = "The network gave no answer, so it may have been published."
)

// result is what became of a call on one provider.
type result struct {
	provider string
	fault    *fault // nil: it was published
	postID   string // of a success; may be empty
}

// publishTo publishes for the user of a scope and says what became of it, as the members
// of the reply: contract, sections 10 and 11. Providers in refused get nothing, for the
// reason that stands there. When nothing was published the error is a *fault with the
// reasons.
func (h *Handler) publishTo(ctx context.Context, c *call, s scope, parts publish.Parts, refused map[string]*fault) (object, error) {
	targets := slices.DeleteFunc(slices.Clone(s.supported), func(p string) bool { return refused[p] != nil })
	byProvider := make(map[string]result, len(s.supported))
	for provider, f := range refused {
		byProvider[provider] = result{provider: provider, fault: f}
	}
	if len(targets) > 0 {
		round, err := h.o.Publisher.Publish(ctx, publish.Request{
			Site: c.keys.Site, Parts: parts, Target: publish.Target{User: s.person.Token, Providers: targets}, Brief: true,
		})
		switch {
		case errors.Is(err, site.ErrNotFound):
			return nil, faultf(codeUser, "The user was deleted.")
		case errors.Is(err, publish.ErrParts), errors.Is(err, publish.ErrTarget):
			return nil, faultf(codeValue, "%v", err)
		case err != nil:
			return nil, err
		}
		c.published = true
		for _, pub := range round.Publications {
			known, seen := byProvider[pub.Provider]
			if r := resultOf(pub); !seen || known.worse(r) {
				byProvider[pub.Provider] = r
			}
		}
	}
	results := make([]result, len(s.supported))
	for i, provider := range s.supported {
		results[i] = byProvider[provider]
	}
	return answerFor(results, s.unsupported)
}

// resultOf is what became of a publication.
func resultOf(pub publish.Publication) result {
	r := result{provider: pub.Provider}
	switch {
	case pub.State == publish.Published:
		r.postID = pub.Receipt.ID
	case !pub.State.Final():
		r.fault = &fault{code: codeTimeout, details: openDetails}
	case pub.State == publish.Unknown || pub.Refusal == nil:
		r.fault = &fault{code: codeTimeout, details: unknownDetails}
	default:
		r.fault = &fault{code: codeOf(pub.Refusal.Kind), details: pub.Refusal.Message}
	}
	return r
}

// worse says whether another result, of another identity with the same provider, is
// rather to be told: a success, else what may become one.
func (r result) worse(other result) bool {
	rank := func(r result) int {
		switch {
		case r.fault == nil:
			return 2
		case r.fault.code == codeTimeout:
			return 1
		}
		return 0
	}
	return rank(other) > rank(r)
}

// answerFor combines the results, which are in the canonical order: contract, section
// 10. The unsupported providers are those that the call has named: section 17, no. 7.
func answerFor(results []result, unsupported []string) (object, error) {
	var ids object
	var first *fault
	var firstProvider string
	succeeded, equal := false, true
	for _, r := range results {
		switch {
		case r.fault == nil:
			succeeded = true
			ids = ids.WithText(r.provider, r.postID)
		case first == nil:
			first, firstProvider = r.fault, r.provider
		default:
			equal = equal && r.fault.code == first.code
		}
	}
	if !succeeded && equal && first.code == codeSpam {
		// No URL was let through, so nothing was attempted: a fault of the request.
		return nil, &fault{code: first.code, details: first.details}
	}
	all := slices.Clone(results)
	for _, provider := range unsupported {
		all = append(all, result{provider: provider, fault: &fault{code: codeUnsupported}})
	}
	var entries list
	for _, r := range all {
		entries = append(entries, r.entry())
	}
	if !succeeded {
		f := &fault{code: first.code, members: object{{"providerErrorCodes", entries}}}
		if first.details != "" {
			f.details = fmt.Sprintf("%s: %s", firstProvider, first.details)
		}
		return nil, f
	}
	return object{}.With(len(ids) > 0, "providerPostIDs", ids).With(true, "providerErrorCodes", entries), nil
}

// entry is what a reply says of one provider.
func (r result) entry() object {
	f := r.fault
	if f == nil {
		f = &fault{code: codeOK}
	}
	return object{{"provider", r.provider}, {"errorCode", int(f.code)}, {"errorMessage", f.code.name()}}.WithText("errorDetails", f.details)
}

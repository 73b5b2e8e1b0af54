package oneall

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"herald.example/internal/link"
	"herald.example/internal/publish"
)

// publicationNode is a publication in the details of a message: contract, section 7.
func (h *Handler) publicationNode(p publish.Publication, tracking bool, bases link.Bases, totals map[link.Ref]link.Totals) object {
	node := object{{"provider", p.Provider}, {"user_token", p.User}, {"identity_token", p.Identity}}
	if !tracking {
		return node
	}
	return append(node, member{"tracked_shorturls", h.trackedShorturls(p, bases, totals)})
}

// publicationEntry is a publication in the answer to publishing: contract, section 5.
// Without totals nothing has been clicked yet.
func (h *Handler) publicationEntry(p publish.Publication, tracking bool, bases link.Bases, totals map[link.Ref]link.Totals) object {
	node := object{{"provider", p.Provider}, {"user_token", p.User}}.WithText("identity_token", p.Identity)
	if p.State == publish.Published {
		at := p.Receipt.At
		if at.IsZero() {
			at = p.Sent
		}
		node = append(node, member{"date_publication", h.date(at)})
	}
	flag, code, message := publicationStatus(p)
	shorturls := list{}
	if p.State != publish.Failed {
		for _, l := range p.Links {
			if !l.Deleted {
				shorturls = append(shorturls, h.shorturlNode(trackedLink(l), bases, totals[l.Ref]))
			}
		}
	}
	node = append(node,
		member{"status", object{{"flag", flag}, {"code", code}, {"message", message}}},
		member{"shorturls", object{{"count", len(shorturls)}, {"entries", shorturls}}})
	if !tracking || p.State == publish.Failed {
		return node
	}
	return append(node, member{"tracked_shorturls", h.trackedShorturls(p, bases, totals)})
}

// trackedShorturls are the live links of a publication in the form of the details,
// where numbers are text: contract, section 7.
func (h *Handler) trackedShorturls(p publish.Publication, bases link.Bases, totals map[link.Ref]link.Totals) list {
	urls := list{}
	for _, l := range p.Links {
		if l.Deleted {
			continue
		}
		t := totals[l.Ref]
		node := h.shorturlHead(trackedLink(l), bases, t)
		node = append(node, member{"num_referrals", strconv.FormatUint(t.Referrals(), 10)})
		urls = append(urls, object{{"shorturl", node}})
	}
	return urls
}

// trackedLink is a publication's link as far as it is shown.
func trackedLink(l publish.TrackedLink) link.Link {
	return link.Link{Ref: l.Ref, Target: l.Target, Created: l.Created}
}

// liveLinks are the links that are to be counted: not those that are not with the
// shortener yet.
func liveLinks(publications []publish.Publication) []link.Ref {
	var refs []link.Ref
	for _, p := range publications {
		for _, l := range p.Links {
			if p.LinksPut && !l.Deleted {
				refs = append(refs, l.Ref)
			}
		}
	}
	return refs
}

// totals counts links: one query for as many as one may hold.
func (h *Handler) totals(ctx context.Context, refs []link.Ref) (map[link.Ref]link.Totals, error) {
	totals := make(map[link.Ref]link.Totals, len(refs))
	for chunk := range slices.Chunk(refs, link.MaxBatch) {
		answer, err := h.o.Links.Totals(ctx, chunk)
		if err != nil {
			return nil, linksError(err)
		}
		for i, ref := range chunk {
			totals[ref] = answer.Totals[i]
		}
	}
	return totals, nil
}

// publicationStatus tells how far a publication is.
func publicationStatus(p publish.Publication) (flag string, code int, message string) {
	switch p.State {
	case publish.Published:
		message = "Published."
		if p.Receipt.Note != "" {
			message += " " + sentence(p.Receipt.Note)
		}
		return flagSuccess, http.StatusOK, message
	case publish.Unknown:
		return flagUnknown, http.StatusAccepted,
			"It was sent and the provider did not answer, so it may or may not be published; look there before you publish it again."
	case publish.Failed:
		if p.Refusal == nil {
			return flagError, http.StatusForbidden, "Refused by the provider."
		}
		message = "Refused by the provider."
		if p.Refusal.Message != "" {
			message = sentence(p.Refusal.Message)
		}
		code = kindCode(p.Refusal.Kind)
		if code < 400 {
			code = http.StatusForbidden // an error never says that all is well
		}
		return flagError, code, message
	default:
		message = "It is accepted; publishing goes on in the background."
		if p.Refusal != nil && p.Refusal.Message != "" {
			message += " The last try: " + sentence(p.Refusal.Message)
		}
		return flagScheduled, http.StatusAccepted, message
	}
}

// roundAnswer is the answer for the whole of a round: contract, sections 5 and 14-3,
// 14-4. What is under way or unknown is no failure: who is told of one would send it
// again.
func roundAnswer(round publish.Round) answer {
	var published, open, failed []string
	for _, p := range round.Publications {
		switch flag, code, _ := publicationStatus(p); flag {
		case flagSuccess:
			published = append(published, p.Provider)
		case flagError:
			failed = append(failed, fmt.Sprintf("%s (%d)", p.Provider, code))
		default:
			open = append(open, p.Provider)
		}
	}
	if len(failed)+len(open) == 0 {
		return answer{code: http.StatusOK, info: "The message has been published."}
	}
	var parts []string
	for _, part := range []struct {
		words     string
		providers []string
	}{{"Not published on ", failed}, {"Published on ", published}, {"Still under way or without an answer: ", open}} {
		if len(part.providers) > 0 {
			parts = append(parts, part.words+strings.Join(slices.Compact(part.providers), ", ")+".")
		}
	}
	a := answer{code: http.StatusMultiStatus, info: strings.Join(parts, " ")}
	if len(published)+len(open) == 0 {
		a.code = http.StatusForbidden
	}
	return a
}

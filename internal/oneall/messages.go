package oneall

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"herald.example/internal/link"
	"herald.example/internal/publish"
)

func (h *Handler) listMessages(c *call) (answer, error) {
	q := c.readPage(defaultPage, true)
	query, err := q.entries()
	if err != nil {
		return answer{}, err
	}
	page, err := h.o.Publisher.Messages(c.context(), c.site.ID, query)
	if err != nil {
		return answer{}, err
	}
	return ok(object{{"sharing_messages", listed(q, page, func(m publish.Head) string { return m.Token }, h.messageHead)}}), nil
}

// messageHead is a message in a list.
func (h *Handler) messageHead(m publish.Head) object {
	return object{
		{"sharing_message_token", m.Token},
		{"date_creation", h.date(m.Created)},
		{"date_last_published", h.date(m.LastPublished)},
	}
}

func (h *Handler) publishMessage(c *call) (answer, error) {
	body, err := decode[sharingBody](h, c, h.o.MaxBody, false)
	if err != nil {
		return answer{}, err
	}
	r, err := body.request(true)
	if err != nil {
		return answer{}, err
	}
	return h.publishSharing(c, r)
}

func (h *Handler) republishMessage(c *call) (answer, error) {
	token, err := c.pathToken("sharing_message")
	if err != nil {
		return answer{}, err
	}
	body, err := decode[sharingBody](h, c, h.o.MaxBody, false)
	if err != nil {
		return answer{}, err
	}
	r, err := body.request(false)
	if err != nil {
		return answer{}, err
	}
	r.Message = token
	return h.publishSharing(c, r)
}

// publishSharing publishes and shows the message as sharing_message.
func (h *Handler) publishSharing(c *call, r publish.Request) (answer, error) {
	round, err := h.publish(c, r, inSharing)
	if err != nil {
		return answer{}, err
	}
	a := roundAnswer(round)
	a.data = object{{"sharing_message", h.sharedMessage(round.Message, h.publishedEntries(c.context(), round))}}
	return a, nil
}

// publishForUser is the older way to publish. Its clients look for the message in two
// places and forms: contract, section 9.
func (h *Handler) publishForUser(c *call) (answer, error) {
	user, err := c.pathToken("user")
	if err != nil {
		return answer{}, err
	}
	body, err := decode[messageBody](h, c, h.o.MaxBody, false)
	if err != nil {
		return answer{}, err
	}
	r, err := body.request(user)
	if err != nil {
		return answer{}, err
	}
	round, err := h.publish(c, r, inMessage)
	if err != nil {
		return answer{}, err
	}
	entries := h.publishedEntries(c.context(), round)
	a := roundAnswer(round)
	a.data = object{
		{"message", append(h.messageDates(round.Message), member{"publications", entries})},
		{"sharing_message", h.sharedMessage(round.Message, entries)},
	}
	return a, nil
}

// publish hands a request to the publisher. Where is what stands around the parts.
func (h *Handler) publish(c *call, r publish.Request, where string) (publish.Round, error) {
	r.Site = c.site
	var err error
	if r.Key, err = idempotencyKey(c.r.Header); err != nil {
		return publish.Round{}, err
	}
	round, err := h.o.Publisher.Publish(c.context(), r)
	if errors.Is(err, publish.ErrParts) {
		return round, badRequest("%s.parts.%s.", where, strings.TrimPrefix(err.Error(), publish.ErrParts.Error()+": "))
	}
	if r.Target.Identity != "" {
		return round, targetError(err, "identity")
	}
	return round, targetError(err, "user")
}

// targetError says which target is not there; a message that is not there has its own
// error.
func targetError(err error, noun string) error {
	if errors.Is(err, publish.ErrNotFound) {
		return err
	}
	return lookup(err, noun)
}

// maxKey bounds an Idempotency-Key, in bytes.
const maxKey = 255

// idempotencyKey reads the header Idempotency-Key.
func idempotencyKey(header http.Header) (string, error) {
	values := header.Values("Idempotency-Key")
	if len(values) == 0 {
		return "", nil
	}
	key := values[0]
	if len(values) > 1 || key == "" || len(key) > maxKey {
		return "", badRequest("The header Idempotency-Key must come once, with 1 to %d characters.", maxKey)
	}
	for _, b := range []byte(key) {
		if b <= ' ' || b > '~' {
			return "", badRequest("The header Idempotency-Key may hold visible ASCII characters only, and no spaces.")
		}
	}
	return key, nil
}

// messageDates are what all forms of a message begin with.
func (h *Handler) messageDates(m publish.Message) object {
	return object{
		{"sharing_message_token", m.Token},
		{"date_creation", h.date(m.Created)},
		{"date_last_published", h.date(m.LastPublished)},
	}
}

// sharedMessage is a message with its publications as publishing shows them.
func (h *Handler) sharedMessage(m publish.Message, entries list) object {
	return append(h.messageDates(m), member{"publications", object{{"count", len(entries)}, {"entries", entries}}})
}

// publishedEntries are the publications of a round. The message is out: when the
// bases of short URLs are not known, the URLs are those of https.
func (h *Handler) publishedEntries(ctx context.Context, round publish.Round) list {
	bases, err := h.o.Publisher.Bases(ctx)
	if err != nil {
		h.log.Warn("the bases of short URLs are not known", "error", err)
	}
	entries := make(list, len(round.Publications))
	for i, p := range round.Publications {
		entries[i] = h.publicationEntry(p, round.Message.Parts.Tracking, bases, nil)
	}
	return entries
}

func (h *Handler) readMessage(c *call) (answer, error) {
	token, err := c.pathToken("sharing_message")
	if err != nil {
		return answer{}, err
	}
	m, publications, err := h.o.Publisher.Message(c.context(), c.site.ID, token)
	if err != nil {
		return answer{}, lookup(err, "sharing_message")
	}
	shown := slices.DeleteFunc(publications, func(p publish.Publication) bool { return !h.shows(p) })
	slices.Reverse(shown) // the newest first
	var totals map[link.Ref]link.Totals
	var bases link.Bases
	if refs := liveLinks(shown); len(refs) > 0 {
		if totals, err = h.totals(c.context(), refs); err != nil {
			return answer{}, err
		}
		if bases, err = h.o.Publisher.Bases(c.context()); err != nil {
			return answer{}, err
		}
	}
	entries := make(list, len(shown))
	for i, p := range shown {
		if h.o.PublicationsAsEntries {
			entries[i] = h.publicationEntry(p, m.Parts.Tracking, bases, totals)
		} else {
			entries[i] = h.publicationNode(p, m.Parts.Tracking, bases, totals)
		}
	}
	node := append(h.messageDates(m), member{"parts", partsNode(m.Parts)})
	if h.o.PublicationsAsEntries {
		node = append(node, member{"publications", object{{"count", len(entries)}, {"entries", entries}}})
	} else {
		node = append(node, member{"publications", entries})
	}
	return ok(object{{"sharing_message", node}}), nil
}

// shows says whether the details of a message show a publication: those that are out
// (contract, section 14-2), and in the other form, which tells states apart, also those
// that may yet be.
func (h *Handler) shows(p publish.Publication) bool {
	return p.State == publish.Published || h.o.PublicationsAsEntries && p.State != publish.Failed
}

func (h *Handler) deleteMessage(c *call) (answer, error) {
	if err := c.confirmed(); err != nil {
		return answer{}, err
	}
	token, err := c.pathToken("sharing_message")
	if err != nil {
		return answer{}, err
	}
	if err := h.o.Publisher.Delete(c.context(), c.site.ID, token); err != nil {
		return answer{}, lookup(err, "sharing_message")
	}
	return answer{code: http.StatusOK, info: "The sharing_message has been deleted; what it has on the social networks stays there."}, nil
}

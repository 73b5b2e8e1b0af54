package gigya

import (
	"context"

	"herald.example/internal/share"
)

// Bounds of the replies that are not sent yet. A caller can let one wait until its
// connection is cut off, over HTTP/2 that of each stream, and needs no key to have a
// long context come back.
const (
	unsentReplies = 64 << 20 // bytes of large ones
	freeReply     = 16 << 10 // bytes of one that takes no room, as nearly all
	freeContext   = 1 << 10  // bytes of a context, likewise
	escaped       = 6        // bytes that one of a context becomes at most, such as \u0001
)

// holdContext takes room for what a long context makes of the reply, before anything is
// done. Without room the context does not come back, and the error is errBusy.
func (h *Handler) holdContext(ctx context.Context, c *call, a *reply) error {
	if len(a.context) <= freeContext {
		return nil
	}
	hold, err := h.reserve(ctx, h.room.unsent, c.r, int64(escaped*len(a.context)))
	if err != nil {
		a.context = ""
		return err
	}
	c.unsent = hold
	return nil
}

// write writes a reply, with room for a large one, which the caller releases when it is
// sent. Without room the call is refused, unless it published something: such replies
// are large by their context alone. Nothing of what is returned keeps the call's body.
func (h *Handler) write(ctx context.Context, c *call, a *reply) (status int, body []byte, contentType string, hold *share.Hold) {
	status, body, contentType = a.render()
	if c.published || int64(len(body)) <= freeReply+c.unsent.Bytes() {
		return status, body, contentType, c.unsent
	}
	c.unsent.Release()
	hold, err := h.reserve(ctx, h.room.unsent, c.r, int64(len(body)))
	if err != nil {
		a.context = ""
		h.refuse(c, a, err)
		status, body, contentType = a.render()
		return status, body, contentType, new(share.Hold)
	}
	return status, body, contentType, hold
}

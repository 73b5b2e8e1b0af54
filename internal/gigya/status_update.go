package gigya

import (
	"context"
	"strings"

	"herald.example/internal/publish"
)

// setStatus publishes words of a user on the networks that the user is connected to:
// contract, section 14. Unlike those of a user action they go to all networks, and HTML
// in them is text as it stands.
func (h *Handler) setStatus(ctx context.Context, c *call) (object, error) {
	status := c.parameters.get("status")
	if strings.TrimSpace(status) == "" {
		return nil, missing("status")
	}
	parts, chosen, err := readUpdate(c, publish.StatusShare)
	if err != nil {
		return nil, err
	}
	if parts.Share.Location, err = readLocation(c); err != nil {
		return nil, err
	}
	if err := h.locate(ctx, c.keys.Site.ID, parts.Share.Location); err != nil {
		return nil, err
	}
	parts.Text = &publish.Text{Body: status}
	s, err := h.scope(ctx, c, chosen, nil)
	if err != nil {
		return nil, err
	}
	return h.publishTo(ctx, c, s, parts, nil)
}

// readUpdate reads what status updates and check-ins have in common.
func readUpdate(c *call, kind publish.ShareKind) (parts publish.Parts, chosen choice, err error) {
	parts.Share = &publish.Share{Kind: kind, Call: c.id}
	if parts.Tracking, parts.Longer, err = readShortURLs(c); err != nil {
		return parts, chosen, err
	}
	if parts.Share.CID, err = readCID(c); err != nil {
		return parts, chosen, err
	}
	chosen, err = readProviders(c)
	return parts, chosen, err
}

package gigya

import (
	"context"
	"errors"

	"herald.example/internal/site"
)

// removeConnection takes a user's connections to a provider away, or all of them:
// contract, section 14. What lastIdentityHandling says of the last connection is soft,
// remove or fail. The user stays with the first two, which are one here: Herald keeps
// no credentials of a connection that was removed, and no trace of it to log in with.
// That makes removeLoginID, true or false, a thing that is always done.
func (h *Handler) removeConnection(ctx context.Context, c *call) (object, error) {
	handling := lower(c.parameters.get("lastidentityhandling"))
	switch handling {
	case "", "soft", "remove", "fail":
	default:
		return nil, invalid("lastIdentityHandling", "it must be soft, remove or fail")
	}
	if _, err := c.parameters.flag("removeloginid"); err != nil {
		return nil, err
	}
	p, err := h.person(ctx, c)
	if err != nil {
		return nil, err
	}
	provider := lower(c.parameters.get("provider"))
	removed, err := h.o.Directory.Disconnect(ctx, c.keys.Site.ID, p.Token, provider, handling == "fail")
	switch {
	case errors.Is(err, site.ErrLast):
		return nil, faultf(codeNotAllowed, "It is the last connection of the user, which lastIdentityHandling protects.")
	case errors.Is(err, site.ErrNotFound):
		return nil, faultf(codeUser, "The user was deleted.")
	case err != nil:
		return nil, err
	case len(removed) == 0 && provider == "":
		return nil, faultf(codeUnconnected, "The user has no connections.")
	case len(removed) == 0:
		return nil, faultf(codeUnconnected, "The user is not connected to %s.", quote(provider))
	}
	return object{}, nil
}

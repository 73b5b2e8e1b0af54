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
// That makes removeLoginID, true or false, a thing that is always done. Of two calls
// at one time each may see the other's connection as the last.
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
	var removed []site.Identity
	for _, i := range p.Identities {
		if provider == "" || i.Provider == provider {
			removed = append(removed, i)
		}
	}
	switch {
	case len(removed) == 0 && provider == "":
		return nil, faultf(codeUnconnected, "The user has no connections.")
	case len(removed) == 0:
		return nil, faultf(codeUnconnected, "The user is not connected to %s.", quote(provider))
	case handling == "fail" && len(removed) == len(p.Identities):
		return nil, faultf(codeNotAllowed, "It is the last connection of the user, which lastIdentityHandling protects.")
	}
	for _, i := range removed {
		if _, err := h.o.Directory.DeleteIdentity(ctx, c.keys.Site.ID, i.Token); err != nil && !errors.Is(err, site.ErrNotFound) {
			return nil, err // those before are gone; the next call goes on
		}
	}
	return object{}, nil
}

package gigya

import (
	"cmp"
	"context"
	"errors"

	"herald.example/internal/site"
)

// setUID gives a user the name that the site has for them, which
// socialize.notifyRegistration does too: contract, section 14. It is for users who came
// with a network, and were named here. The name before is nobody's then, so tokens for
// it are good no more. The reply is the envelope alone: clients hold a UID that is in it
// against a signature by the secret that they have, which may be that of a userKey.
func (h *Handler) setUID(ctx context.Context, c *call) (object, error) {
	if c.bound != "" {
		return nil, faultf(codeDenied, "A token of a user cannot name users; sign as the site.")
	}
	uid, err := readSiteUID(c)
	switch {
	case err != nil:
		return nil, err
	case uid == "":
		return nil, missing("siteUID")
	}
	if _, err := readCID(c); err != nil {
		return nil, err
	}
	p, err := h.person(ctx, c)
	if err != nil {
		return nil, err
	}
	if uid == cmp.Or(p.UID, p.Token) {
		return object{}, nil // the name is there
	}
	_, err = h.o.Directory.SetUID(ctx, c.keys.Site.ID, p.Token, uid)
	switch {
	case errors.Is(err, site.ErrTaken):
		return nil, faultf(codeUnique, "The siteUID is that of another user.")
	case errors.Is(err, site.ErrNotFound):
		return nil, faultf(codeUser, "The user was deleted.")
	case err != nil:
		return nil, err
	}
	return object{}, nil
}

package gigya

import (
	"context"
	"errors"
	"time"

	"herald.example/internal/site"
)

// maxUID bounds the ID of a user, in bytes: contract, section 14.
const maxUID = 252

// getToken gives a token for the site, or for one of its users: contract, section 4.5.
// An unknown user gets none.
func (h *Handler) getToken(ctx context.Context, c *call) (object, error) {
	switch grant := c.parameters.get("grant_type"); grant {
	case "":
		return nil, missing("grant_type")
	case "none", "client_credentials":
	case "authorization_code":
		if c.parameters.get("code") == "" {
			return nil, missing("code")
		}
		return nil, invalid("code", "no such code was given out")
	default:
		return nil, faultf(codeGrantType, "grant_type must be none or client_credentials, not %s.", quote(grant))
	}
	uid := c.parameters.get("x_siteuid")
	if len(uid) > maxUID {
		return nil, invalid("x_siteUID", "it is longer than %d bytes", maxUID)
	}
	user := ""
	if uid != "" {
		p, err := h.o.Directory.UserByUID(ctx, c.keys.Site.ID, uid)
		if errors.Is(err, site.ErrNotFound) {
			return nil, faultf(codeUser, "This site has no user with the UID %s.", quote(uid))
		} else if err != nil {
			return nil, err
		}
		user = p.Token
	}
	secret, _ := c.keys.secret(c.userKey)
	key, ok := decodeSecret(secret)
	if !ok {
		return nil, faultf(codeSecret, "This secret cannot make tokens: it is not base64.")
	}
	t := token{apiKey: c.apiKey, userKey: c.userKey, uid: uid, user: user, expires: c.now.Add(tokenLife)}
	return object{{"access_token", string(t.seal(key))}, {"expires_in", int(tokenLife / time.Second)}}, nil
}

// oauthErrors are OAuth2's names for our codes (RFC 6749, section 5.2). A request that
// no row is for is an invalid one, our own failures are server_error.
var oauthErrors = map[code]string{
	codeAPIKey:    "invalid_client",
	codeUser:      "invalid_client",
	codeSecret:    "invalid_client",
	codeGrantType: "unsupported_grant_type",
	codeRate:      "temporarily_unavailable",
}

// oauthError is OAuth2's name for a code.
func oauthError(c code) string {
	name, known := oauthErrors[c]
	switch {
	case known:
		return name
	case c.status() >= 500:
		return "server_error"
	}
	return "invalid_request"
}

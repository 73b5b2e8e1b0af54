package gigya

import (
	"context"
	"crypto/subtle"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"herald.example/internal/site"
)

// Bounds of what makes a request a new one: contract, section 4.4.
const (
	maxNonce = 128             // bytes
	inMillis = 100_000_000_000 // from here on a timestamp counts milliseconds
)

// shown is what a request shows of who it comes from.
type shown struct {
	apiKey, userKey, secret string

	sig      string
	token    string
	hasToken bool // also an empty one
	jwt      string
}

// show gathers what a request shows. A token in the header goes before a parameter.
func show(r *http.Request, p *parameters) shown {
	s := shown{apiKey: p.get("apikey"), userKey: p.get("userkey"), secret: p.get("secret"), sig: p.get(sigName), token: p.get("oauth_token")}
	s.hasToken = s.token != ""
	scheme, value, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch value = strings.TrimSpace(value); lower(scheme) {
	case "bearer":
		if isJWT(value) {
			s.jwt = value
			break
		}
		s.token, s.hasToken = value, true
	case "oauth":
		s.token, s.hasToken = value, true
	}
	return s
}

// showClient gathers what a request for a token shows: contract, section 4.5. HTTP
// Basic is for the site's own secret.
func showClient(r *http.Request, p *parameters) shown {
	if id, secret, basic := r.BasicAuth(); basic {
		return shown{apiKey: id, secret: secret}
	}
	return shown{apiKey: p.get("client_id"), userKey: p.get("userkey"), secret: p.get("client_secret")}
}

// authenticate finds the site that a call is for, and who calls. The order of its
// checks is that of the contract's section 4.8. Whatever a request shows must be right,
// also when less would do. A nonce is used up only when all else is right, so it comes
// last: the Java SDK repeats a request whose timestamp was stale byte for byte.
func (h *Handler) authenticate(ctx context.Context, c *call) error {
	s, keyName := show(c.r, c.parameters), "apiKey"
	if c.method.client {
		s, keyName = showClient(c.r, c.parameters), "client_id"
	}
	t, tokenErr := readToken(s.token)
	bare := s.apiKey == "" && s.hasToken // the token alone names the site
	if bare {
		if tokenErr != nil {
			return errWrongToken
		}
		s.apiKey = t.apiKey
	}
	if s.apiKey == "" {
		return missing(keyName)
	}
	if err := h.findSite(c, s.apiKey); err != nil {
		if bare && errors.Is(err, errAPIKey) {
			return errWrongToken
		}
		return err
	}
	secret, known := c.keys.secret(s.userKey)
	if !known {
		return faultf(codeUser, "The userKey is unknown, or may not act for this site.")
	}
	c.userKey = s.userKey
	checks := []func() error{
		func() error { return c.checkSecret(s, secret) },
		func() error { return c.checkSignature(s, secret, h.fresh) },
		func() error { return c.checkToken(s, t, tokenErr) },
		func() error { return c.checkJWT(s, h.fresh) },
	}
	for _, check := range checks {
		if err := check(); err != nil {
			return err
		}
	}
	switch proven := s.secret != "" || s.sig != "" || s.hasToken || s.jwt != ""; {
	case !proven && c.method.client:
		return missing("client_secret")
	case !proven && !c.method.anonymous:
		return faultf(codeUser, "Sign the request, or show a secret or a token.")
	case !proven:
		c.anonymous = true
	}
	for i := range c.nonces {
		n := &c.nonces[i]
		var fresh bool
		var err error
		if fresh, n.settle, err = h.o.Nonces.Remember(ctx, n.scope, n.nonce, n.until); err != nil {
			return err
		}
		if !fresh {
			return n.used
		}
	}
	if c.anonymous { // API keys are public: who has no more does not use up the site's calls
		return h.limits.take("anonymous "+c.keys.Site.ID, c.now)
	}
	return h.limits.take(c.keys.Site.ID, c.now)
}

// Faults of credentials that are told in several places.
var (
	errAPIKey     = faultf(codeAPIKey, "")
	errWrongToken = faultf(codeToken, "The token is wrong, has ended, or came without TLS; ask for another one.")
)

// findSite finds the keys of a site. It refuses those of another data centre than the
// one that the host names.
func (h *Handler) findSite(c *call, apiKey string) error {
	keys, err := h.o.Keyring.Keys(apiKey)
	if errors.Is(err, site.ErrNotFound) {
		return errAPIKey
	} else if err != nil {
		return err
	}
	c.apiKey, c.keys = apiKey, keys
	return h.o.DataCentres.check(c.r, keys.DataCentre)
}

// secret is the secret of a userKey that may act for the site, or of the site itself
// when there is no userKey.
func (k SiteKeys) secret(userKey string) (secret site.Secret, known bool) {
	if userKey == "" {
		return k.Secret, true
	}
	u, known := k.UserKeys[userKey]
	return u.Secret, known
}

// checkSecret holds a secret in the clear against the right one.
func (c *call) checkSecret(s shown, secret site.Secret) error {
	if s.secret == "" {
		return nil
	}
	if !c.private {
		return faultf(codePlainSecret, "Use HTTPS, or sign the request instead.")
	}
	given := strings.ReplaceAll(s.secret, " ", "+") // a '+' that was sent bare
	if secret == "" || subtle.ConstantTimeCompare([]byte(given), []byte(secret)) != 1 {
		return faultf(codeSecret, "")
	}
	return nil
}

// checkSignature holds a signature against the request.
func (c *call) checkSignature(s shown, secret site.Secret, fresh freshness) error {
	if s.sig == "" {
		return nil
	}
	timestamp, nonce := c.parameters.get("timestamp"), c.parameters.get("nonce")
	switch {
	case timestamp == "":
		return missing("timestamp")
	case nonce == "":
		return missing("nonce")
	case len(nonce) > maxNonce:
		return invalid("nonce", "it is longer than %d bytes", maxNonce)
	}
	at, err := parseTimestamp(timestamp)
	if err != nil {
		return faultf(codeScalar, "timestamp must be a number of seconds since 1970, not %s.", quote(timestamp))
	}
	if c.now.Sub(at).Abs() > fresh.window {
		return faultf(codeExpired, "The timestamp is more than %s seconds off; the header Date of this reply has the time.", seconds(fresh.window))
	}
	if !verify(secret, s.sig, c.r, c.secure, c.parameters.list) {
		return faultf(codeSignature, "")
	}
	scope := "apiKey " + c.apiKey
	if c.userKey != "" {
		scope = "userKey " + c.userKey
	}
	c.nonces = append(c.nonces, nonceUse{scope: scope, nonce: strings.Clone(nonce), until: c.now.Add(kept(fresh.window)), used: faultf(codeNonce, "")})
	return nil
}

// parseTimestamp reads Unix seconds, or milliseconds when they are so many.
func parseTimestamp(s string) (time.Time, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return time.Time{}, err
	}
	if n >= inMillis {
		return time.UnixMilli(n), nil
	}
	return time.Unix(n, 0), nil
}

// checkToken holds an OAuth2 token against the secret that it was made with.
func (c *call) checkToken(s shown, t sealedToken, readErr error) error {
	if !s.hasToken {
		return nil
	}
	secret, known := c.keys.secret(t.userKey)
	if !c.private || readErr != nil || !known || t.apiKey != c.apiKey {
		return errWrongToken
	}
	opened, err := t.open(secret, c.now)
	if err != nil {
		return errWrongToken
	}
	c.bound, c.boundUser = opened.uid, opened.user
	if c.userKey == "" {
		c.userKey = opened.userKey
	}
	return nil
}

// checkJWT holds a JWT against the RSA key of its userKey.
func (c *call) checkJWT(s shown, fresh freshness) error {
	if s.jwt == "" {
		return nil
	}
	b, err := readJWT(s.jwt)
	if err != nil || !b.verify(c.keys.UserKeys[b.kid].RSA) || c.now.Sub(b.issued).Abs() > fresh.jwtWindow || s.userKey != "" && s.userKey != b.kid {
		return fresh.wrongJWT
	}
	c.userKey = b.kid
	c.nonces = append(c.nonces, nonceUse{scope: "jwt " + b.kid, nonce: b.jti, until: c.now.Add(kept(fresh.jwtWindow)), used: fresh.wrongJWT})
	return nil
}

// nonceUse is a nonce that a call uses up. Its texts keep nothing of the body alive.
type nonceUse struct {
	scope, nonce string
	until        time.Time
	used         error // the answer when it was used before
	// settle waits until it is on disk; nil until it was found to be new.
	settle func(context.Context) error
}

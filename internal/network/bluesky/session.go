package bluesky

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"time"

	"herald.example/internal/network"
	"herald.example/internal/publish"
	"herald.example/internal/site"
)

// session is what the server says of a login. Tokens are empty when it was only
// asked whose session it is.
type session struct {
	Access   site.Secret `json:"accessJwt"`
	Refresh  site.Secret `json:"refreshJwt"`
	DID      string      `json:"did"`
	Handle   string      `json:"handle"`
	Email    string      `json:"email"`
	Document struct {
		Service []struct {
			ID       string `json:"id"`
			Endpoint string `json:"serviceEndpoint"`
		} `json:"service"`
	} `json:"didDoc"`
}

// Refresh renews the session. When its refresh token has ended, a new one is made
// with the app password, if there is one.
func (n *Network) Refresh(ctx context.Context, who site.Opened) (site.Credentials, error) {
	base, err := serverOf(who.Account)
	if err != nil {
		return site.Credentials{}, err
	}
	s, err := n.renew(ctx, base, who)
	if err != nil {
		return site.Credentials{}, err
	}
	if s.DID != who.Account.ID {
		return site.Credentials{}, refuse(publish.TargetMissing, "the credentials are those of another account")
	}
	return s.credentials(who.Credentials, n.now()), nil
}

// renew makes a fresh session of the refresh token or, when that has ended, of the
// app password.
func (n *Network) renew(ctx context.Context, base string, who site.Opened) (session, error) {
	c := who.Credentials
	if c.Refresh != "" {
		s, err := n.refreshSession(ctx, base, c)
		if e, ok := errors.AsType[*publish.Error](err); !ok || e.Kind != publish.AuthRevoked || c.Secret == "" {
			return s, err
		}
	}
	if c.Secret == "" {
		return session{}, refuse(publish.AuthRevoked, "the session has ended, and there is no app password to make another")
	}
	return n.createSession(ctx, base, who)
}

// refreshSession exchanges the refresh token. The server answers the same again
// when it is repeated within 2 hours, so no answer is Transient.
func (n *Network) refreshSession(ctx context.Context, base string, c site.Credentials) (session, error) {
	var s session
	bearer := c
	bearer.Access = c.Refresh
	err := n.post(ctx, base, "com.atproto.server.refreshSession", bearer, "", nil, &s)
	if e, ok := errors.AsType[*publish.Error](err); ok && e.Kind == publish.AuthExpired {
		e.Kind = publish.AuthRevoked
	}
	if err == nil {
		err = s.check(true)
	}
	return s, err
}

// createSession logs in with the app password.
func (n *Network) createSession(ctx context.Context, base string, who site.Opened) (session, error) {
	identifier := who.Account.ID
	if identifier == "" {
		identifier = strings.TrimPrefix(who.Account.Name, "@")
	}
	if identifier == "" {
		return session{}, refuse(publish.TargetMissing, "a handle or a DID is wanted beside the app password")
	}
	if wait := n.logins.wait(account{who.Site, base, strings.ToLower(identifier)}, n.now()); wait > 0 {
		e := refuse(publish.RateLimited, "the account was logged in too often")
		e.RetryAfter = wait
		return session{}, e
	}
	body, err := json.Marshal(map[string]string{"identifier": identifier, "password": string(who.Credentials.Secret)})
	if err != nil {
		return session{}, refuse(publish.AuthRevoked, "the app password is no text")
	}
	var s session
	none := site.Credentials{Secret: who.Credentials.Secret} // no bearer, but hidden from the server's words
	if err := n.post(ctx, base, "com.atproto.server.createSession", none, "application/json", body, &s); err != nil {
		return session{}, err
	}
	return s, s.check(true)
}

// check looks at what a server says before it is kept. A handle that is none is
// dropped.
func (s *session) check(tokens bool) error {
	if !isDID(s.DID) || tokens && (!isToken(s.Access) || !isToken(s.Refresh)) {
		return refuse(publish.Transient, "the server's answer is no session")
	}
	if !isHandle(s.Handle) {
		s.Handle = ""
	}
	return nil
}

// credentials are those to keep: with fresh tokens where the server gave some.
func (s session) credentials(before site.Credentials, now time.Time) site.Credentials {
	after := before
	if s.Access != "" {
		after.Access, after.Refresh = s.Access, s.Refresh
	}
	after.Expires = expiry(after.Access, now)
	return after
}

// server is the account's server by its DID document, which is elsewhere when
// the login was made by way of a front door such as bsky.social. It is not asked
// in clear when the front door was not.
func (s session) server(base string) string {
	for _, service := range s.Document.Service {
		if service.ID != "#atproto_pds" && service.ID != s.DID+"#atproto_pds" {
			continue
		}
		home, ok := baseURL(service.Endpoint)
		if ok && (strings.HasPrefix(home, "https:") || strings.HasPrefix(base, "http:")) {
			return home
		}
	}
	return base
}

// Introduce says whose credentials these are. Tokens of a session are enough; an
// app password wants the account's ID or Name beside it, and becomes a session.
func (n *Network) Introduce(ctx context.Context, who site.Opened) (site.Account, site.Profile, site.Credentials, error) {
	fail := func(err error) (site.Account, site.Profile, site.Credentials, error) {
		return site.Account{}, site.Profile{}, site.Credentials{}, err
	}
	base, err := serverOf(who.Account)
	if err != nil {
		return fail(err)
	}
	s, err := n.whose(ctx, base, who)
	if err != nil {
		return fail(err)
	}
	if who.Account.ID != "" && who.Account.ID != s.DID {
		return fail(refuse(publish.TargetMissing, "the credentials are those of another account"))
	}
	base = s.server(base)
	account := site.Account{ID: s.DID, Name: s.Handle, Server: base, URL: web + s.DID}
	if account.Name == "" {
		account.Name = s.DID
	}
	return account, n.profile(ctx, base, s), s.credentials(who.Credentials, n.now()), nil
}

// whose finds the session of credentials, and renews it when it has ended.
func (n *Network) whose(ctx context.Context, base string, who site.Opened) (session, error) {
	c := who.Credentials
	if c.Access == "" {
		if c.Refresh == "" && c.Secret == "" {
			return session{}, refuse(publish.AuthRevoked, "an app password, or the tokens of a session, are wanted")
		}
		return n.renew(ctx, base, who)
	}
	var s session
	err := n.get(ctx, base, "com.atproto.server.getSession", nil, c, &s)
	if err == nil {
		s.Access, s.Refresh = "", "" // none are given here
		return s, s.check(false)
	}
	e, ok := errors.AsType[*publish.Error](err)
	if ok && (e.Kind == publish.AuthExpired || e.Kind == publish.AuthRevoked) && (c.Refresh != "" || c.Secret != "") {
		return n.renew(ctx, base, who)
	}
	if ok && e.Kind == publish.AuthExpired {
		e.Kind = publish.AuthRevoked // nothing can renew it
	}
	return session{}, err
}

// profile is what the account says of itself. It is public, and not worth failing
// for.
func (n *Network) profile(ctx context.Context, base string, s session) site.Profile {
	profile := site.Profile{Username: s.Handle, Email: network.Words([]byte(s.Email))}
	var answer struct {
		Value struct {
			DisplayName string `json:"displayName"`
			Description string `json:"description"`
			Avatar      struct {
				Ref struct {
					Link string `json:"$link"`
				} `json:"ref"`
			} `json:"avatar"`
		} `json:"value"`
	}
	query := url.Values{"repo": {s.DID}, "collection": {"app.bsky.actor.profile"}, "rkey": {"self"}}
	if err := n.get(ctx, base, "com.atproto.repo.getRecord", query, site.Credentials{}, &answer); err != nil {
		return profile
	}
	profile.DisplayName = network.Words([]byte(answer.Value.DisplayName))
	profile.About = network.Words([]byte(answer.Value.Description))
	if cid := answer.Value.Avatar.Ref.Link; isCode(cid) {
		profile.Picture = base + "/xrpc/com.atproto.sync.getBlob?" + url.Values{"did": {s.DID}, "cid": {cid}}.Encode()
	}
	return profile
}

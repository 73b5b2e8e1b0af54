package double

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// account is a person on the server.
type account struct {
	did, handle, password string
	deactivated           bool
	profile               *profile
	posts                 map[string]stored // by record key
	blobs                 map[string]stored // by CID
}

// profile is the record app.bsky.actor.profile.
type profile struct {
	Type        string `json:"$type"`
	DisplayName string `json:"displayName"`
	Description string `json:"description"`
}

// session is a refresh token that was given out.
type session struct {
	who  *account
	ends time.Time
	next string // ID of the one that replaced it
}

// AddAccount makes an account with an app password and returns its DID, which
// depends on the handle alone.
func (s *Server) AddAccount(handle, appPassword string) (did string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sum := sha256.Sum256([]byte(handle))
	a := &account{
		did:      "did:plc:" + base32Lower(sum[:15]),
		handle:   handle,
		password: appPassword,
		posts:    make(map[string]stored),
		blobs:    make(map[string]stored),
	}
	s.accounts = append(s.accounts, a)
	s.secrets = append(s.secrets, appPassword)
	return a.did
}

// SetProfile writes what an account says of itself.
func (s *Server) SetProfile(did, displayName, description string) {
	s.edit(did, func(a *account) { a.profile = &profile{"app.bsky.actor.profile", displayName, description} })
}

// SetPassword replaces the app password: the old one does not log in any more.
func (s *Server) SetPassword(did, appPassword string) {
	s.edit(did, func(a *account) { a.password = appPassword })
}

// Deactivate closes an account.
func (s *Server) Deactivate(did string) { s.edit(did, func(a *account) { a.deactivated = true }) }

// Revoke ends all sessions of an account: their refresh tokens. Access tokens
// go on until they end by themselves.
func (s *Server) Revoke(did string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, session := range s.sessions {
		if session.who.did == did {
			delete(s.sessions, id)
		}
	}
}

// edit changes an account.
func (s *Server) edit(did string, change func(*account)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.account(did)
	if a == nil {
		s.t.Fatalf("double: there is no account %s", did)
	}
	change(a)
}

// account finds an account by DID or handle, else nil. The lock is held.
func (s *Server) account(name string) *account {
	for _, a := range s.accounts {
		if a.did == name || strings.EqualFold(a.handle, name) {
			return a
		}
	}
	return nil
}

// How long tokens last.
const (
	accessFor  = 2 * time.Hour
	refreshFor = 90 * 24 * time.Hour
	graceFor   = 2 * time.Hour
)

// claims are what tokens say.
type claims struct {
	Scope    string `json:"scope"`
	Audience string `json:"aud"`
	Subject  string `json:"sub"`
	ID       string `json:"jti,omitempty"`
	Issued   int64  `json:"iat"`
	Expires  int64  `json:"exp"`
}

// Secret is what every double signs its tokens with, so that a test can sign
// others.
const Secret = "the double signs with this secret"

// sign makes a token of type typ. The lock is held.
func (s *Server) sign(typ string, c claims) string {
	now := s.now()
	c.Audience, c.Issued = "did:web:localhost", now.Unix()
	payload, err := json.Marshal(c)
	if err != nil {
		s.t.Fatalf("double: encode claims: %v", err)
	}
	text := base64.RawURLEncoding.EncodeToString([]byte(`{"typ":"`+typ+`","alg":"HS256"}`)) + "." + base64.RawURLEncoding.EncodeToString(payload)
	token := text + "." + base64.RawURLEncoding.EncodeToString(signature(text))
	s.secrets = append(s.secrets, token)
	return token
}

// signature signs the first two parts of a token.
func signature(text string) []byte {
	h := hmac.New(sha256.New, []byte(Secret))
	h.Write([]byte(text))
	return h.Sum(nil)
}

// bearer is whom the token of a call speaks for. The lock is held.
func (s *Server) bearer(c *call, typ, scope string) (*account, claims, error) {
	header := c.Header.Get("Authorization")
	token, ok := strings.CutPrefix(header, "Bearer ")
	if header == "" {
		return nil, claims{}, failure{http.StatusUnauthorized, "AuthMissing", "Authentication Required"}
	}
	if !ok {
		return nil, claims{}, failure{http.StatusBadRequest, "InvalidToken", "Unexpected authorization type"}
	}
	bad := failure{http.StatusBadRequest, "InvalidToken", "Token could not be verified"}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, claims{}, bad
	}
	sum, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || !hmac.Equal(sum, signature(parts[0]+"."+parts[1])) {
		return nil, claims{}, bad
	}
	var head struct {
		Type string `json:"typ"`
	}
	var says claims
	for i, v := range []any{&head, &says} {
		data, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil || json.Unmarshal(data, v) != nil {
			return nil, claims{}, bad
		}
	}
	if says.Expires <= s.now().Unix() {
		return nil, claims{}, failure{http.StatusBadRequest, "ExpiredToken", "Token has expired"}
	}
	if head.Type != typ {
		return nil, claims{}, failure{http.StatusBadRequest, "InvalidToken", "Invalid token type"}
	}
	if says.Scope != scope {
		return nil, claims{}, failure{http.StatusBadRequest, "InvalidToken", "Bad token scope"}
	}
	a := s.account(says.Subject)
	if a == nil {
		return nil, claims{}, failure{http.StatusForbidden, "AccountNotFound", "Account not found"}
	}
	return a, says, nil
}

// access is whom an access token speaks for. The lock is held.
func (s *Server) access(c *call) (*account, error) {
	a, _, err := s.bearer(c, "at+jwt", "com.atproto.appPass")
	return a, err
}

// pair gives out tokens; id is that of the refresh token. The lock is held.
func (s *Server) pair(a *account, id string) map[string]any {
	now := s.now()
	s.sessions[id] = &session{who: a, ends: now.Add(refreshFor)}
	answer := s.whose(a)
	answer["accessJwt"] = s.sign("at+jwt", claims{Scope: "com.atproto.appPass", Subject: a.did, Expires: now.Add(accessFor).Unix()})
	answer["refreshJwt"] = s.sign("refresh+jwt", claims{Scope: "com.atproto.refresh", Subject: a.did, ID: id, Expires: now.Add(refreshFor).Unix()})
	return answer
}

// whose is what a server says of a session. The lock is held.
func (s *Server) whose(a *account) map[string]any {
	answer := map[string]any{"did": a.did, "handle": a.handle, "email": a.handle + "@mail.test", "emailConfirmed": true, "active": !a.deactivated,
		"didDoc": map[string]any{"id": a.did, "alsoKnownAs": []string{"at://" + a.handle}, "service": []map[string]string{
			{"id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": s.http.URL},
		}}}
	if a.deactivated {
		answer["status"] = "deactivated"
	}
	return answer
}

func (s *Server) createSession(c *call, h http.Header) (any, error) {
	var in struct {
		Identifier string `json:"identifier"`
		Password   string `json:"password"`
	}
	if err := s.decode(c, &in); err != nil {
		return nil, err
	}
	if c.Header.Get("Authorization") != "" {
		s.t.Error("double: createSession has a bearer")
	}
	for _, m := range []struct{ name, value string }{{"identifier", in.Identifier}, {"password", in.Password}} {
		if m.value == "" {
			return nil, invalid("Missing required key %q at $", m.name)
		}
	}
	wrong := failure{http.StatusUnauthorized, "AuthenticationRequired", "Invalid identifier or password"}
	if s.logins[in.Identifier] == nil {
		s.logins[in.Identifier] = &window{limit: 30, span: 5 * time.Minute}
	}
	if err := s.logins[in.Identifier].take(s.now(), h); err != nil {
		return nil, err
	}
	a := s.account(in.Identifier)
	if a == nil || a.password != in.Password {
		return nil, wrong
	}
	return s.pair(a, rand.Text()), nil
}

func (s *Server) refreshSession(c *call, _ http.Header) (any, error) {
	a, says, err := s.bearer(c, "refresh+jwt", "com.atproto.refresh")
	if err != nil {
		return nil, err
	}
	now := s.now()
	old, ok := s.sessions[says.ID]
	if !ok || !now.Before(old.ends) {
		return nil, failure{http.StatusBadRequest, "ExpiredToken", "Token has been revoked"}
	}
	if old.next == "" {
		old.next = rand.Text()
	}
	if grace := now.Add(graceFor); grace.Before(old.ends) {
		old.ends = grace
	}
	return s.pair(a, old.next), nil
}

func (s *Server) getSession(c *call, _ http.Header) (any, error) {
	a, err := s.access(c)
	if err != nil {
		return nil, err
	}
	return s.whose(a), nil
}

func (s *Server) resolveHandle(c *call, _ http.Header) (any, error) {
	a := s.account(c.query.Get("handle"))
	if a == nil {
		return nil, invalid("Unable to resolve handle")
	}
	return map[string]string{"did": a.did}, nil
}

// base32Lower writes bytes as identifiers do.
func base32Lower(data []byte) string {
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(data))
}

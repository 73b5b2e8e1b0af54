package gigya

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"herald.example/internal/publish"
	"herald.example/internal/site"
)

// maxSessions bounds the providers that a user is connected to in one call: each costs
// a call of its network.
const maxSessions = 10

// sourceNotifyLogin is the source of the connections that notifyLogin makes.
const sourceNotifyLogin = "notifyLogin"

// providerSession is what a site knows of a user's session with a network.
type providerSession struct {
	AuthToken               site.Secret `json:"authToken"`
	Code                    site.Secret `json:"code"`
	ProviderUID             entry       `json:"providerUID"`
	TokenSecret             site.Secret `json:"tokenSecret"`
	TokenExpiration         entry       `json:"tokenExpiration"` // Unix seconds
	TokenExpiresIn          entry       `json:"tokenExpiresIn"`  // seconds
	SessionHandle           site.Secret `json:"sessionHandle"`
	SessionHandleExpiration entry       `json:"sessionHandleExpiration"` // Unix seconds
}

// notifyLogin tells that the site logged a user in, or that a user has come with
// sessions of networks, which connects the user to them: contract, section 14. A user
// who is new is made. Networks are asked whose sessions these are, one after the
// other; when one refuses, the reply says which the user is connected to by then.
func (h *Handler) notifyLogin(ctx context.Context, c *call) (object, error) {
	if c.bound != "" {
		return nil, faultf(codeDenied, "A token of a user cannot log users in; sign as the site.")
	}
	uid, err := readSiteUID(c)
	if err != nil {
		return nil, err
	}
	logins, err := h.readSessions(c)
	if err != nil {
		return nil, err
	}
	if uid == "" && len(logins) == 0 {
		return nil, missing("siteUID")
	}
	form, err := readSessionForm(c)
	if err != nil {
		return nil, err
	}
	cid, err := readCID(c)
	if err != nil {
		return nil, err
	}
	var p site.Person
	if len(logins) == 0 {
		p, _, err = h.o.Directory.Visit(ctx, c.keys.Site.ID, uid, cid)
	} else {
		p, err = h.connect(ctx, c, uid, cid, logins)
	}
	if err != nil {
		return nil, err
	}
	return form.reply(c, p, h.callID()), nil
}

// readSiteUID reads the site's own name of a user, empty when there is none.
func readSiteUID(c *call) (string, error) {
	uid := c.parameters.get("siteuid")
	if uid != "" && (site.CheckUID(uid) != nil || strings.ContainsFunc(uid, func(r rune) bool { return r > '~' })) {
		return "", invalid("siteUID", "it must be a line of at most %d characters of ASCII", maxUID)
	}
	return uid, nil
}

// readSessions reads the logins that providerSessions speak of, in the order of their
// networks.
func (h *Handler) readSessions(c *call) ([]site.Login, error) {
	const name = "providerSessions"
	raw := make(map[string]providerSession)
	sent, err := c.parameters.optional(lower(name), &raw)
	switch {
	case err != nil || !sent:
		return nil, err
	case len(raw) == 0:
		return nil, invalid(name, "it names no provider")
	case len(raw) > maxSessions:
		return nil, invalid(name, "it has more than %d providers", maxSessions)
	}
	connectable := h.connectable(c.keys.Site)
	logins := make(map[string]site.Login, len(raw))
	for _, spelling := range slices.Sorted(maps.Keys(raw)) {
		key, session := lower(spelling), raw[spelling]
		part := name + "." + quote(spelling)
		available, found := connectable(key)
		_, twice := logins[key]
		switch {
		case twice:
			return nil, invalid(part, "the provider is there twice")
		case !found:
			return nil, invalid(part, "there is no such provider")
		case !available:
			return nil, faultf(codeUnsupported, "%s cannot be connected to here.", quote(key))
		}
		login, err := session.login(part, c.now)
		if err != nil {
			return nil, err
		}
		login.Provider = key
		logins[key] = login
	}
	keys := slices.Collect(maps.Keys(logins))
	inOrder(keys)
	ordered := make([]site.Login, len(keys))
	for at, key := range keys {
		ordered[at] = logins[key]
	}
	return ordered, nil
}

// login is the login that a session stands for. A code would have to be changed into a
// token by the application that asked for it, which Herald is not.
func (s providerSession) login(part string, now time.Time) (l site.Login, err error) {
	switch {
	case s.AuthToken == "" && s.Code != "":
		return l, faultf(codeUnsupported, "%s.code cannot be changed into a token here; send authToken.", part)
	case s.AuthToken == "" && s.TokenSecret == "":
		return l, missing(part + ".authToken")
	}
	l = site.Login{
		Account:     site.Account{ID: string(s.ProviderUID)},
		Credentials: site.Credentials{Access: s.AuthToken, Secret: s.TokenSecret, Refresh: s.SessionHandle},
		Source:      sourceNotifyLogin,
		Named:       true,
	}
	wrong := func(member string) error {
		return invalid(part+"."+member, "it must be a number of seconds")
	}
	seconds, err := s.TokenExpiresIn.seconds()
	if err != nil {
		return l, wrong("tokenExpiresIn")
	}
	at, err := s.TokenExpiration.seconds()
	if err != nil {
		return l, wrong("tokenExpiration")
	}
	if _, err := s.SessionHandleExpiration.seconds(); err != nil { // nothing is kept of it
		return l, wrong("sessionHandleExpiration")
	}
	switch {
	case at > 0:
		l.Credentials.Expires = time.Unix(at, 0).UTC()
	case seconds > 0:
		l.Credentials.Expires = now.Add(time.Duration(seconds) * time.Second).UTC().Truncate(time.Second)
	}
	return l, nil
}

// maxSeconds bounds numbers of seconds: the year 9999 is before it.
const maxSeconds = 250_000_000_000

// seconds is a number of seconds; 0 when nothing was sent.
func (e entry) seconds() (int64, error) {
	if e == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(string(e), 10, 64)
	if err == nil && (n < -maxSeconds || n > maxSeconds) {
		err = strconv.ErrRange
	}
	return n, err
}

// connect lets the accounts of logins arrive, for the user whom the site calls uid or,
// without one, for the user of the first account.
func (h *Handler) connect(ctx context.Context, c *call, uid, cid string, logins []site.Login) (site.Person, error) {
	user := ""
	if uid != "" {
		p, err := h.o.Directory.UserByUID(ctx, c.keys.Site.ID, uid)
		switch {
		case err == nil:
			user = p.Token // also of a user whom the site calls by the token
		case !errors.Is(err, site.ErrNotFound):
			return site.Person{}, err
		}
	}
	var p site.Person
	var done list
	for _, login := range logins {
		login.CID = cid
		if login.User = user; user == "" {
			login.UID = uid
		}
		err := ctx.Err() // an import is not cut, but none is begun for a caller who has gone
		var arrived site.Person
		if err == nil {
			arrived, _, _, err = h.o.Publisher.Import(ctx, c.keys.Site, login)
		}
		if err != nil {
			return p, loginFault(err, login.Provider, p, done)
		}
		p, user = arrived, arrived.Token
		done = append(done, result{provider: login.Provider}.entry())
	}
	return p, nil
}

// loginFault is what the caller is told when an account cannot arrive, with what came
// before it: that stays.
func loginFault(err error, provider string, p site.Person, done list) error {
	f := &fault{}
	refused, isRefused := errors.AsType[*publish.Error](err)
	switch {
	case isRefused:
		f.code, f.details = codeOf(refused.Kind), refused.Message
	case errors.Is(err, site.ErrOwned):
		f.code, f.details = codeIdentity, "The account belongs to another user."
	case errors.Is(err, site.ErrAccount), errors.Is(err, site.ErrProvider), errors.Is(err, site.ErrUID):
		f.code, f.details = codeValue, err.Error()
	case errors.Is(err, site.ErrNotFound):
		f.code, f.details = codeUser, "The user was deleted."
	default:
		return fmt.Errorf("connect %s: %w", provider, err)
	}
	if len(done) > 0 {
		failed := result{provider: provider, fault: &fault{code: f.code, details: f.details}}
		f.members = object{{"UID", cmp.Or(p.UID, p.Token)}, {"providerErrorCodes", append(done, failed.entry())}}
	}
	if f.details != "" {
		f.details = provider + ": " + f.details
	}
	return f
}

// sessionForm is how the caller wants the session of a user.
type sessionForm struct {
	mobile bool
	life   time.Duration
}

// readSessionForm reads it. newUser, regSource and userInfo are checked for their form
// and not kept: users are counted as new when they are, and what is known of a person
// is what networks tell.
func readSessionForm(c *call) (f sessionForm, err error) {
	switch target := lower(c.parameters.get("targetenv")); target {
	case "", "browser":
	case "mobile":
		f.mobile = true
	default:
		return f, invalid("targetEnv", "it must be browser or mobile")
	}
	f.life = tokenLife
	if text := c.parameters.get("sessionexpiration"); text != "" {
		seconds, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return f, faultf(codeScalar, "sessionExpiration must be a number of seconds, not %s.", quote(text))
		}
		if seconds < -2 {
			return f, invalid("sessionExpiration", "it must be 0, -1, -2 or a number of seconds")
		}
		if seconds > 0 && seconds < int64(tokenLife/time.Second) {
			f.life = time.Duration(seconds) * time.Second
		}
	}
	if _, err := c.parameters.flag("newuser"); err != nil {
		return f, err
	}
	var info map[string]json.RawMessage
	_, err = c.parameters.optional("userinfo", &info)
	return f, err
}

// signedUID is the ID of a user with the proof that the site's secret makes of it:
// contract, section 4.9. A site whose secret is none has no proofs.
func signedUID(c *call, uid string) object {
	o := object{{"UID", uid}}
	timestamp := strconv.FormatInt(c.now.Unix(), 10)
	if signature := uidSignature(c.keys.Secret, timestamp, uid); signature != "" {
		o = append(o, object{{"UIDSignature", signature}, {"signatureTimestamp", timestamp}}...)
	}
	return o
}

// reply is a user with a session: an OAuth2 token that is bound to the user and made
// with the site's secret, whoever calls. Like all tokens it ends within an hour, also
// when a longer session was asked for, and is for TLS alone. Whoever listens to a call
// without TLS could use it, so none stands in the reply to one: a text that opens
// nothing, since clients set the cookie without looking. There is no sessionSecret:
// sessions do not sign here.
func (f sessionForm) reply(c *call, p site.Person, none string) object {
	uid := cmp.Or(p.UID, p.Token)
	o := signedUID(c, uid)
	session := none
	if key, ok := decodeSecret(c.keys.Secret); ok && c.private {
		session = string(token{apiKey: c.apiKey, uid: uid, user: p.Token, expires: c.now.Add(f.life)}.seal(key))
	}
	if f.mobile {
		return append(o, member{"sessionToken", session})
	}
	o = append(o, object{{"cookieName", "glt_" + c.apiKey}, {"cookieValue", session}, {"cookiePath", "/"}}...)
	if domain := c.keys.Site.Gigya.CookieDomain; domain != "" {
		o = append(o, object{{"cookieDomain", "." + domain}}...)
	}
	return o
}

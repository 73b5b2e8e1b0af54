package gigya

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"time"

	"herald.example/internal/share"
	"herald.example/internal/site"
)

// Keyring knows the sites by their API key.
type Keyring interface {
	// Keys returns what a request for an API key may be authenticated with. Of an
	// unknown one the error is site.ErrNotFound. An API key has at most 255 bytes.
	Keys(apiKey string) (SiteKeys, error)
}

// SiteKeys is what calls for a site are authenticated with.
type SiteKeys struct {
	Site       site.Site
	DataCentre string      // such as us1; empty: it is served on every host
	Secret     site.Secret // base64; empty: none
	UserKeys   map[string]UserKey
}

// UserKey is an application that may act for a site. Its name has at most 255 bytes.
type UserKey = site.OpenUserKey

// Nonces remembers nonces.
type Nonces interface {
	// Remember says whether a nonce is new in its scope. Of two calls at one time only
	// one is told so. A new one is on disk when settle returns nil, and no later than
	// any change of the same store that begins after the call; it may be forgotten after
	// until. When it could not be written, settle returns why. settle is nil when the
	// nonce is not new. A scope is short, a nonce has at most 128 bytes, and both can be
	// any text.
	Remember(ctx context.Context, scope, nonce string, until time.Time) (fresh bool, settle func(context.Context) error, err error)
}

// Options are what a Handler is made from. Keyring to Places must be set.
type Options struct {
	Keyring   Keyring
	Nonces    Nonces
	Directory Directory
	Publisher Publisher
	Links     Links
	Reports   Reports
	Places    Places

	Now func() time.Time // nil: time.Now

	// DataCentres are what hosts are held against; nil: none, every host serves every
	// site.
	DataCentres DataCentres
	// Secure says whether a request came by HTTPS to a proxy that is trusted; nil: only
	// our own TLS counts.
	Secure func(*http.Request) bool
	// LoopbackSecrets lets callers on this machine send secrets and tokens without TLS,
	// for development. Behind a proxy on this machine that is not trusted, everybody is
	// such a caller.
	LoopbackSecrets bool
	ClientIP        func(*http.Request) netip.Addr // nil: the peer's address
	CallsPerMinute  int                            // of one site; more are refused with 403048; 0: without bound
	// Window is how far the timestamp of a signed request may be from Now, and the iat of
	// a JWT, of which 5 minutes are always taken; 0: 2 minutes. What requests use up is
	// remembered for more than twice as long.
	Window time.Duration
	Log    *slog.Logger // nil: no log
}

// Handler answers the dialect. Its methods are safe for concurrent use.
type Handler struct {
	o       Options
	log     *slog.Logger
	methods map[string]*method
	callID  func() string
	fresh   freshness
	limits  *limiter
	walks   walks
	room    room // for bodies
	counts  counts
}

// NewHandler returns a Handler. It starts nothing.
func NewHandler(o Options) *Handler {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.ClientIP == nil {
		o.ClientIP = peer
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Handler{
		o: o, log: o.Log, methods: methods, callID: newCallID,
		fresh: newFreshness(o.Window), limits: newLimiter(o.CallsPerMinute), room: newRoom(),
	}
}

// peer is the address at the other end of the connection.
func peer(r *http.Request) netip.Addr {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr()
}

// newCallID names a call, in the reply and in the log.
func newCallID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // it never fails
	return hex.EncodeToString(id[:])
}

// ServeHTTP answers one request, always with the envelope.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{r: r, id: h.callID(), now: h.o.Now(), parameters: new(parameters), unsent: new(share.Hold)}
	c.method = h.methods[lower(strings.TrimPrefix(r.URL.Path, "/"))]
	c.secure = r.TLS != nil || h.o.Secure != nil && h.o.Secure(r)
	c.private = c.secure || h.o.LoopbackSecrets && h.o.ClientIP(r).Unmap().IsLoopback()
	a := h.respond(r.Context(), w, c)
	status, body, contentType, hold := h.write(r.Context(), c, &a)
	defer hold.Release()
	h.counts.count(a.method, a.code)
	send(w, r, h.o.Now(), status, body, contentType) // the networks may have taken their time
}

// respond makes the reply to a call, also when something panics on the way.
func (h *Handler) respond(ctx context.Context, w http.ResponseWriter, c *call) (a reply) {
	a = reply{callID: c.id, time: c.now}
	if c.method != nil {
		a.method = c.method.name
	}
	defer func() {
		if cause := recover(); cause != nil {
			h.log.Error("answering a call panicked", "call_id", c.id, "method", a.method, "panic", cause, "stack", string(debug.Stack()))
			a.code, a.details, a.members = codeInternal, internalDetails, nil
		}
	}()
	body, release, err := h.readBody(ctx, w, c.r)
	defer release()
	query := c.r.URL.RawQuery
	if len(query) > maxBody {
		query, err = "", errTooLarge
	}
	var formErr, parseErr error
	c.parameters, parseErr = parseParameters(query, body)
	a.form, formErr = readForm(c.parameters)
	if err == nil {
		err = parseErr
	}
	if busy := h.holdContext(ctx, c, &a); err == nil {
		err = busy
	}
	a.members, err = h.answer(ctx, c, err, formErr)
	if err != nil {
		h.refuse(c, &a, err)
	}
	h.log.Debug("answered a call", "call_id", c.id, "method", a.method, "code", int(a.code), "site", c.keys.Site.ID, "sdk", quote(c.parameters.get("sdk")))
	return a
}

// answer holds a call against the rules that all methods share, in the order of the
// contract's section 4.8, and hands it to its method. When it returns, or panics, the
// nonces that the call used up are on disk: no reply is sent before. After the method,
// they are there with what it wrote.
func (h *Handler) answer(ctx context.Context, c *call, parseErr, formErr error) (members object, err error) {
	defer func() { err = h.settle(ctx, c, err) }()
	post, get := c.r.Method == http.MethodPost, c.r.Method == http.MethodGet
	switch {
	case c.method == nil:
		return nil, faultf(codeMethod, "There is no such method; a path is that of a method, such as /socialize.publishUserAction.")
	case parseErr != nil:
		return nil, parseErr
	case !post && !get:
		return nil, faultf(codeFormat, "Use GET or POST.")
	case !post && c.method.secure:
		return nil, faultf(codeFormat, "This method is for POST alone.")
	}
	if err := h.authenticate(ctx, c); err != nil {
		return nil, err
	}
	switch {
	case c.method.secure && !c.private:
		return nil, faultf(codeFormat, "This method is for HTTPS alone.")
	case formErr != nil:
		return nil, formErr
	}
	if err := c.findUser(); err != nil {
		return nil, err
	}
	return c.method.serve(h, ctx, c)
}

// settle has the call's nonces on disk, also when the caller has gone. It returns the
// error of the call, which becomes that of a nonce when all else went well and nothing
// was published.
func (h *Handler) settle(ctx context.Context, c *call, err error) error {
	for _, n := range c.nonces {
		if n.settle == nil {
			continue
		}
		lost := n.settle(context.WithoutCancel(ctx))
		switch {
		case lost == nil:
		case err == nil && !c.published:
			err = lost
		default:
			h.log.Error("the nonce of a call was not kept", "call_id", c.id, "method", c.method.name, "error", lost)
		}
	}
	return err
}

// refuse makes the reply one of refusal. The log gets the causes that are ours.
func (h *Handler) refuse(c *call, a *reply, err error) {
	f, internal := refusal(err)
	switch {
	case !internal || errors.Is(c.r.Context().Err(), context.Canceled): // no failure of ours, or the caller has gone
	case f.code != codeInternal:
		h.log.Warn("a call cannot be answered for now", "call_id", c.id, "method", a.method, "error", err)
	default:
		h.log.Error("a call failed", "call_id", c.id, "method", a.method, "error", err)
	}
	a.code, a.details, a.members = f.code, f.details, f.members
	if c.method != nil && c.method.client {
		a.members = append(object{{"error", oauthError(f.code)}}, f.members...)
	}
}

package oneall

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"runtime/debug"
	"strconv"
	"time"

	"herald.example/internal/link"
	"herald.example/internal/publish"
	"herald.example/internal/share"
	"herald.example/internal/site"
)

// Sites finds sites. Authenticate takes the same time for every pair of keys that
// opens none, which is site.ErrKeys.
type Sites interface {
	Authenticate(public, private string) (site.Site, error)
	// PublishToken and CheckPublishToken make and check what apps publish with for one
	// user. A wrong one is site.ErrPublishToken.
	PublishToken(siteID, user string) (site.PublishToken, error)
	CheckPublishToken(key string) (s site.Site, user string, err error)
	Site(idOrName string) (site.Site, error)
}

// Users are the users of a site, by its ID. Unknown tokens are site.ErrNotFound.
type Users interface {
	User(ctx context.Context, siteID, token string) (site.Person, error)
	Users(ctx context.Context, siteID string, q site.ListQuery, f site.UserFilter) (site.Page[site.Person], error)
	DeleteUser(ctx context.Context, siteID, token string) (site.Person, error)
}

// Identities are the identities of a site. MoveIdentity returns the new owner.
type Identities interface {
	Identity(ctx context.Context, siteID, token string) (site.Identity, error)
	Identities(ctx context.Context, siteID string, q site.ListQuery) (site.Page[site.Identity], error)
	MoveIdentity(ctx context.Context, siteID, token, user string) (site.Person, error)
	DeleteIdentity(ctx context.Context, siteID, token string) (site.Identity, error)
}

// Connections are the arrivals of a site's users.
type Connections interface {
	Connection(ctx context.Context, siteID, token string) (site.Connection, error)
	Connections(ctx context.Context, siteID string, q site.ListQuery) (site.Page[site.Connection], error)
}

// Directory is who there is: a *site.Directory.
type Directory interface {
	Sites
	Users
	Identities
	Connections
}

// Messages publishes and keeps messages. Publish waits for the networks within its own
// bounds.
type Messages interface {
	Publish(ctx context.Context, r publish.Request) (publish.Round, error)
	Message(ctx context.Context, siteID, token string) (publish.Message, []publish.Publication, error)
	Messages(ctx context.Context, siteID string, q site.ListQuery) (site.Page[publish.Head], error)
	Delete(ctx context.Context, siteID, token string) error
}

// Networks asks networks about accounts, and says which networks there are.
type Networks interface {
	Import(ctx context.Context, s site.Site, login site.Login) (site.Person, site.Identity, site.Connection, error)
	Synchronize(ctx context.Context, s site.Site, identity string, profile, token bool) (site.Identity, error)
	Providers(s site.Site) []publish.Provider
}

// Publisher brings messages out: a *publish.Publisher. ForgetLink drops a link from
// the message that it belongs to, if any; Bases is answered from memory.
type Publisher interface {
	Messages
	Networks
	ForgetLink(ctx context.Context, siteID string, l link.Link) error
	Bases(ctx context.Context) (link.Bases, error)
	// Domain is where the short URLs of a site live.
	Domain(ctx context.Context, s site.Site) (string, error)
}

// Registry makes and finds links. A Ref without domain means the default one.
type Registry interface {
	Put(ctx context.Context, drafts []link.Draft) ([]link.Link, error)
	Get(ctx context.Context, ref link.Ref) (link.Link, error)
	List(ctx context.Context, query link.ListQuery) (link.Page, error)
	Delete(ctx context.Context, ref link.Ref) error
}

// Readings reads what was counted.
type Readings interface {
	Totals(ctx context.Context, refs []link.Ref) (link.TotalsAnswer, error)
	Referrals(ctx context.Context, query link.ReferralQuery) (link.ReferralAnswer, error)
}

// Links is the shortener: in process, or its client.
type Links interface {
	Registry
	Readings
}

// Options are what a Handler is made from. Directory, Publisher and Links must be set.
type Options struct {
	Directory Directory
	Publisher Publisher
	Links     Links

	Now      func() time.Time // nil: time.Now
	Location *time.Location   // of all dates, in answers and in filters; nil: UTC

	// BaseDomain makes hosts of the form NAME.api.BaseDomain name a site; empty: no
	// host does.
	BaseDomain string
	// PublicationsAsEntries gives the details of a message the form that the answer to
	// publishing has: publications with count, entries, status and shorturls, those
	// under way included. The .NET SDK reads only this one, the documents show only the
	// other.
	PublicationsAsEntries bool
	MaxBody               int64                          // bytes of a request's body; 0: 16 MiB
	WrongKeys             int                            // of one peer per minute; more are answered with 429; 0: 60
	ClientIP              func(*http.Request) netip.Addr // nil: the peer's address
	Log                   *slog.Logger                   // nil: no log
}

// Handler answers the dialect. Its methods are safe for concurrent use.
type Handler struct {
	o         Options
	log       *slog.Logger
	wrongKeys *limiter
	// Room for bodies, and for answers that are read together.
	small, large, reads *share.Pool
}

// NewHandler returns a Handler. It starts nothing.
func NewHandler(o Options) *Handler {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Location == nil {
		o.Location = time.UTC
	}
	if o.MaxBody == 0 {
		o.MaxBody = 16 << 20
	}
	if o.WrongKeys == 0 {
		o.WrongKeys = 60
	}
	if o.ClientIP == nil {
		o.ClientIP = peer
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Handler{
		o: o, log: o.Log, wrongKeys: newLimiter(o.WrongKeys),
		small: share.NewPool(smallBodies), large: share.NewPool(largeBodies * o.MaxBody), reads: share.NewPool(reads * readRoom),
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

// call is one request on its way.
type call struct {
	w     http.ResponseWriter // for the bound of the body only
	r     *http.Request
	site  site.Site
	token string // of the path; empty when it has none
	query url.Values
	// keyless says that nobody has shown the site's keys: the host named the site, or
	// a publish token did.
	keyless bool
	room    *share.Hold // that body or answer take; nil: none yet
}

// context ends when the caller goes.
func (c *call) context() context.Context { return c.r.Context() }

// ServeHTTP answers one request, always with the envelope.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == openAPIPath && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		write(w, r, http.StatusOK, openAPI, "application/json")
		return
	}
	route, token, f := findRoute(r.URL.EscapedPath())
	c := &call{w: w, r: r, token: token}
	defer c.release()
	code, body, contentType := h.respond(c, route, f)
	c.keep(int64(len(body)))
	write(w, r, code, body, contentType)
}

// respond makes the envelope for a request, also when something panics on the way.
func (h *Handler) respond(c *call, at *route, f format) (code int, body []byte, contentType string) {
	r := c.r
	defer func() {
		if cause := recover(); cause != nil {
			h.log.Error("answering a request panicked", "method", r.Method, "path", r.URL.Path, "panic", cause, "stack", string(debug.Stack()))
			code = http.StatusInternalServerError
			body, contentType = h.render(f, resource(r), answer{code: code, info: internalInfo})
		}
	}()
	a, err := h.answer(c, at)
	if err != nil {
		a = h.refuse(c.w, r, err)
	}
	body, contentType = h.render(f, resource(r), a)
	return a.code, body, contentType
}

// answer holds a request against the rules that all paths share and hands it to its
// function.
func (h *Handler) answer(c *call, at *route) (answer, error) {
	var a answer
	r := c.r
	named, err := h.hostSite(r.Host)
	if err != nil {
		return a, err
	}
	if r.URL.Path == openAPIPath {
		return a, &methodError{&fault{errMethod, "The description of the API can only be read: use GET."}, "GET, HEAD"}
	}
	if at == nil {
		return a, &fault{errPath, "There is no such resource; paths end in .json or .xml, such as /sharing/messages.json."}
	}
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	serve := at.methods[method]
	if serve == nil {
		return a, &methodError{&fault{errMethod, "This resource does not offer the method; use one of " + at.allow() + "."}, at.allow()}
	}
	c.query = r.URL.Query()
	if err := h.authenticate(c, at, method, named); err != nil {
		return a, err
	}
	if method == http.MethodGet {
		if err := c.reserve(h.reads, readRoom); err != nil {
			return a, err
		}
	}
	return serve(h, c)
}

// refuse is the answer to an error. The log gets the causes that are ours.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, err error) answer {
	a, internal := refusal(err)
	switch {
	case !internal || errors.Is(err, errBusy) || errors.Is(r.Context().Err(), context.Canceled): // no failure of ours, or the caller has gone
	case a.code == http.StatusServiceUnavailable:
		h.log.Warn("a request cannot be answered for now", "method", r.Method, "path", r.URL.Path, "error", err)
	default:
		h.log.Error("a request failed", "method", r.Method, "path", r.URL.Path, "error", err)
	}
	if a.code == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="Herald", charset="UTF-8"`)
	}
	if e, found := errors.AsType[*methodError](err); found {
		w.Header().Set("Allow", e.allow)
	}
	if e, found := errors.AsType[*retryError](err); found {
		w.Header().Set("Retry-After", strconv.Itoa(max(1, int(e.after.Round(time.Second)/time.Second))))
	}
	return a
}

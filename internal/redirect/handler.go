package redirect

import (
	"bytes"
	"errors"
	"os"

	"github.com/valyala/fasthttp"

	"herald.example/internal/link"
)

// handle answers one request. While the server drains, also when it began to
// during this request, the answer is the connection's last.
func (s *Server) handle(ctx *fasthttp.RequestCtx) {
	s.route(ctx)
	if s.conns.draining.Load() {
		ctx.SetConnectionClose()
	}
}

// route answers one request. The order of its steps is the order of their
// frequency: what is not a GET of a slug in the cache goes to other functions.
func (s *Server) route(ctx *fasthttp.RequestCtx) {
	c := ctx.Conn().(*conn)
	header := &ctx.Request.Header
	head := false
	if !header.IsGet() {
		if head = header.IsHead(); !head {
			s.answerMethod(ctx)
			return
		}
	}
	// The raw target: fasthttp's Path is decoded and cleaned up, which would
	// give a slug many spellings.
	path, host := header.RequestURI(), header.Host()
	if len(path) > maxURI {
		s.answerRefusal(ctx, fasthttp.StatusRequestURITooLong)
		return
	}
	if path[0] != '/' {
		var ok bool
		if host, path, ok = splitAbsolute(path); !ok {
			s.answerRefusal(ctx, fasthttp.StatusBadRequest)
			return
		}
	}
	domain, ok := s.domains.find(host)
	if !ok {
		s.answerRefusal(ctx, fasthttp.StatusBadRequest)
		return
	}
	path = path[1:]
	n := link.SlugLen(path)
	if n == 0 || n > link.MaxSlug || n < len(path) && path[n] != '?' && path[n] != '#' {
		s.handleOther(ctx, c, domain, cutQuery(path), head)
		return
	}
	slug := path[:n]
	route, target, generation, found := s.cache.get(domain, slug, c.target[:0], true)
	if found && route.State == link.Active {
		c.target = target
		s.answerRedirect(ctx, c, route, target, head)
		return
	}
	if !found {
		if s.answerFixed(ctx, slug, nil) {
			return
		}
		s.handleMiss(ctx, c, domain, slug, generation, head)
		return
	}
	s.answerState(ctx, route.State)
}

// handleMiss answers for a slug that is not in the cache.
func (s *Server) handleMiss(ctx *fasthttp.RequestCtx, c *conn, domain uint16, slug []byte, generation uint64, head bool) {
	route, target, err := s.load(c, domain, slug, generation)
	if errors.Is(err, link.ErrNotFound) {
		route, target, err = s.resolveTrimmed(c, domain, slug)
	}
	s.answerRoute(ctx, c, route, target, err, head)
}

// handleOther answers for a path that is not just a slug: pages of our own, the
// preview of a link, a slug with punctuation glued to it.
func (s *Server) handleOther(ctx *fasthttp.RequestCtx, c *conn, domain uint16, path []byte, head bool) {
	slug, tail := splitPath(path)
	switch {
	case s.answerFixed(ctx, slug, tail):
	case len(slug) == 0 || len(slug) > link.MaxSlug:
		s.answerState(ctx, 0)
	case isPreview(tail):
		s.answerPreview(ctx, c, domain, slug)
	case isPunctuation(tail):
		route, target, err := s.resolve(c, domain, slug)
		if errors.Is(err, link.ErrNotFound) {
			route, target, err = s.resolveTrimmed(c, domain, slug)
		}
		s.answerRoute(ctx, c, route, target, err, head)
	default:
		s.answerState(ctx, 0)
	}
}

// answerRoute answers with what resolve returned.
func (s *Server) answerRoute(ctx *fasthttp.RequestCtx, c *conn, route link.Route, target []byte, err error, head bool) {
	switch {
	case errors.Is(err, link.ErrNotFound):
		s.answerState(ctx, 0)
	case err != nil:
		s.answerError(ctx, err)
	case route.State != link.Active:
		s.answerState(ctx, route.State)
	default:
		s.counts.redirects.Add(1)
		s.answerRedirect(ctx, c, route, target, head)
	}
}

// resolve asks the cache, then the store. The target is in c's memory.
func (s *Server) resolve(c *conn, domain uint16, slug []byte) (link.Route, []byte, error) {
	route, target, generation, found := s.cache.get(domain, slug, c.target[:0], false)
	if found {
		c.target = target
		return route, target, nil
	}
	return s.load(c, domain, slug, generation)
}

// resolveTrimmed resolves what is left of a slug that nobody has when the '-'
// and '_' at its end are taken for the text's. One more lookup, not one for each.
func (s *Server) resolveTrimmed(c *conn, domain uint16, slug []byte) (link.Route, []byte, error) {
	trimmed := trimDashes(slug)
	if len(trimmed) == 0 || len(trimmed) == len(slug) {
		return link.Route{}, nil, link.ErrNotFound
	}
	return s.resolve(c, domain, trimmed)
}

// errDamaged is returned for a record of the store that cannot be answered with.
var errDamaged = errors.New("damaged link")

// load asks the store and caches what it says.
func (s *Server) load(c *conn, domain uint16, slug []byte, generation uint64) (link.Route, []byte, error) {
	route, target, err := s.store.Resolve(s.domains.bases[domain].Domain, slug, c.target[:0])
	if err != nil {
		return link.Route{}, nil, err
	}
	c.target = target
	if route.State == link.Active && !clean(route, target) { // what is cached is clean
		return link.Route{}, nil, errDamaged
	}
	s.cache.put(domain, slug, route, target, generation)
	return route, target, nil
}

// clean says whether an active link of a store can be answered with. Targets have
// no control characters and are http and https URLs; a damaged store could bring
// others, and a line end would split the answer, another scheme run as a script.
func clean(route link.Route, target []byte) bool {
	for _, b := range target {
		if b < ' ' || b == 0x7f {
			return false
		}
	}
	if route.Method == link.Script {
		scheme, _, found := bytes.Cut(target, []byte("://"))
		return found && (bytes.EqualFold(scheme, []byte("http")) || bytes.EqualFold(scheme, []byte("https")))
	}
	return len(target) > 0
}

// answerRedirect records the hit and sends the visitor to the target, by the link's
// method.
//
// All headers but fasthttp's own go out in one piece: the constant block ends
// with the name Location, so that setting "the header" of that name renders
// them all; set one by one, each costs about 0.2 microseconds more.
// fasthttp writes name, ": ", value, and takes line ends out of the value only,
// so the block arrives as it is; the target has none (see load).
func (s *Server) answerRedirect(ctx *fasthttp.RequestCtx, c *conn, route link.Route, target []byte, head bool) {
	if s.ledger != nil {
		header := &ctx.Request.Header
		raw := header.RawHeaders()
		h := &c.hit
		h.Link = route.Number
		h.Time = ctx.Time()
		h.Flags, h.Referrer = evidence(raw)
		if head {
			h.Flags |= link.FlagHead
		}
		h.Agent = header.UserAgent()
		h.Addr = c.peer
		if c.proxy {
			h.Addr = visitor(raw, c.peer, s.trusted)
		}
		s.ledger.Append(h)
	}
	if route.Method != link.Found {
		s.answerOnward(ctx, target)
		return
	}
	ctx.Response.Header.SetStatusCode(fasthttp.StatusFound)
	ctx.Response.Header.SetCanonical(s.block, target)
}

// answerState answers for a link that does not redirect; 0 is a slug that
// nobody has.
func (s *Server) answerState(ctx *fasthttp.RequestCtx, state link.State) {
	if state == link.Deleted {
		s.counts.gone.Add(1)
		pages.gone.answer(ctx)
		return
	}
	s.counts.notFound.Add(1)
	pages.notFound.answer(ctx)
}

// answerError answers when the store fails.
func (s *Server) answerError(ctx *fasthttp.RequestCtx, err error) {
	s.counts.errors.Add(1)
	s.warn("resolve a link", err)
	ctx.Response.Header.Set("Retry-After", "5")
	pages.unavailable.answer(ctx)
}

// answerMethod answers methods other than GET and HEAD.
func (s *Server) answerMethod(ctx *fasthttp.RequestCtx) {
	ctx.Response.Header.Set("Allow", "GET, HEAD, OPTIONS")
	if ctx.IsOptions() {
		ctx.SetStatusCode(fasthttp.StatusNoContent)
		return
	}
	s.counts.refused.Add(1)
	answerText(ctx, fasthttp.StatusMethodNotAllowed)
}

// answerRefusal answers a request that is malformed or too large, and ends the
// connection: nobody knows what else would come.
func (s *Server) answerRefusal(ctx *fasthttp.RequestCtx, status int) {
	s.counts.refused.Add(1)
	answerText(ctx, status)
	ctx.SetConnectionClose()
}

// refuse answers a request that fasthttp could not read. fasthttp closes the
// connection afterwards.
func (s *Server) refuse(ctx *fasthttp.RequestCtx, err error) {
	status := fasthttp.StatusBadRequest
	var small *fasthttp.ErrSmallBuffer
	switch {
	case errors.As(err, &small):
		// Too large is the request line, if its end is still to come.
		status = fasthttp.StatusRequestHeaderFieldsTooLarge
		if c, ok := ctx.Conn().(*conn); ok && !c.line {
			status = fasthttp.StatusRequestURITooLong
		}
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		status = fasthttp.StatusRequestEntityTooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		status = fasthttp.StatusRequestTimeout
	}
	s.answerRefusal(ctx, status)
}

package double

import (
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// call is a request on its way.
type call struct {
	*http.Request
	w     http.ResponseWriter
	entry *entry
	who   *account // nil: nobody
}

// route is a call of the API.
type route struct {
	path  string   // "*" stands for one segment, an ID
	query []string // keys that may come
	scope string   // what a token must allow; empty: anything
	free  bool     // nobody need be known
	serve func(*Server, *call, string)
}

// routes are the calls that the contract knows, by method.
var routes = map[string][]route{
	http.MethodGet: {
		{"/api/v2/instance", nil, "", true, (*Server).instance},
		{"/api/v1/instance", nil, "", true, (*Server).instance},
		{"/api/v1/accounts/verify_credentials", nil, "profile", false, (*Server).verify},
		{"/api/v1/accounts/*/statuses", []string{"limit", "exclude_reblogs"}, "read:statuses", true, (*Server).list},
		{"/api/v1/media/*", nil, "write:media", false, (*Server).look},
		{"/api/v1/statuses/*", nil, "read:statuses", true, (*Server).show},
	},
	http.MethodPost: {
		{"/api/v2/media", nil, "write:media", false, (*Server).upload},
		{"/api/v1/media", nil, "write:media", false, (*Server).upload},
		{"/api/v1/statuses", nil, "write:statuses", false, (*Server).create},
	},
}

// match returns the ID in a path.
func (r route) match(path string) (id string, ok bool) {
	before, after, wild := strings.Cut(r.path, "*")
	if !wild {
		return "", path == r.path
	}
	id, found := strings.CutPrefix(path, before)
	id, ended := strings.CutSuffix(id, after)
	return id, found && ended && id != "" && !strings.Contains(id, "/") && id != "verify_credentials"
}

// serve answers a request.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	c := &call{Request: r, w: w, entry: r.Context().Value(entryKey{}).(*entry)}
	if s.o.FirstOnly && strings.HasPrefix(r.URL.Path, "/api/v2/") {
		c.refuse(404, "Record not found")
		return
	}
	for _, route := range routes[r.Method] {
		id, ok := route.match(r.URL.Path)
		if !ok {
			continue
		}
		for key := range r.URL.Query() {
			if !slices.Contains(route.query, key) {
				s.t.Errorf("%s %s: nobody knows the query key %q", r.Method, r.URL.Path, key)
			}
		}
		if s.admit(c, route) {
			route.serve(s, c, id)
		}
		return
	}
	s.t.Errorf("%s %s: nobody knows this call", r.Method, r.URL.Path)
	c.refuse(404, "Record not found")
}

// admit looks at the token of a call, and refuses it or not.
func (s *Server) admit(c *call, route route) bool {
	header := c.Header.Get("Authorization")
	token, bearer := strings.CutPrefix(header, "Bearer ")
	if header != "" && !bearer {
		s.t.Errorf("%s %s: the Authorization is no Bearer", c.Method, c.URL.Path)
	}
	s.mu.Lock()
	for _, a := range s.accounts {
		if token != "" && a.token == token && !a.revoked {
			c.who = a
		}
	}
	s.requests++
	left := max(0, 300-s.requests)
	s.mu.Unlock()
	switch {
	case header == "" && route.free:
		return true
	case header == "":
		c.refuse(401, "This method requires an authenticated user")
		return false
	case c.who == nil:
		c.refuse(401, "The access token is invalid")
		return false
	}
	fmt.Fprintf(&c.entry.line, " as %s", c.who.name)
	c.w.Header().Set("X-RateLimit-Limit", "300")
	c.w.Header().Set("X-RateLimit-Remaining", strconv.Itoa(left))
	c.w.Header().Set("X-RateLimit-Reset", s.o.Now().UTC().Truncate(5*time.Minute).Add(5*time.Minute).Format("2006-01-02T15:04:05.000000Z"))
	if !c.who.allows(route.scope) {
		c.refuse(403, "This action is outside the authorized scopes")
		return false
	}
	return true
}

// allows says whether the token of an account allows a scope: read:statuses is
// allowed by read, profile by read and read:accounts.
func (a *account) allows(scope string) bool {
	if scope == "" || slices.Contains(a.scopes, scope) {
		return true
	}
	if scope == "profile" {
		return a.allows("read:accounts")
	}
	whole, _, part := strings.Cut(scope, ":")
	return part && slices.Contains(a.scopes, whole)
}

// answer sends a value as JSON.
func (c *call) answer(status int, value any) {
	c.entry.status = status
	c.w.Header().Set("Content-Type", "application/json; charset=utf-8")
	c.w.WriteHeader(status)
	json.NewEncoder(c.w).Encode(value) //nolint:errcheck // the client may be gone
}

// refuse sends an error as Mastodon does.
func (c *call) refuse(status int, words string) {
	c.w.Header().Set("X-Request-Id", "trace-of-the-double")
	c.answer(status, map[string]string{"error": words})
}

// contentType returns the type of a body and fails the test when it is not the
// one that is wanted.
func (s *Server) contentType(c *call, want string) (params map[string]string, ok bool) {
	name, params, err := mime.ParseMediaType(c.Header.Get("Content-Type"))
	if err != nil || name != want {
		s.t.Errorf("%s %s: got Content-Type %q; want %s", c.Method, c.URL.Path, c.Header.Get("Content-Type"), want)
		c.refuse(415, "Unsupported media type")
		return nil, false
	}
	return params, true
}

func (s *Server) instance(c *call, _ string) {
	statuses := map[string]int{"max_characters": s.o.Characters, "max_media_attachments": maxFiles, "characters_reserved_per_url": s.o.URLCost}
	said := map[string]any{
		"title": "Double", "version": s.o.Version, "description": "A server for tests", "languages": []string{"en"},
		"configuration": map[string]any{"statuses": statuses},
	}
	if strings.HasPrefix(c.URL.Path, "/api/v2/") {
		said["domain"], said["source_url"] = s.Host(), "https://github.com/mastodon/mastodon"
	} else {
		said["uri"], said["stats"] = s.Host(), map[string]int{"user_count": 1}
	}
	c.answer(200, said)
}

func (s *Server) verify(c *call, _ string) {
	c.answer(200, map[string]any{
		"id": c.who.id, "username": c.who.name, "acct": c.who.name, "display_name": "The " + c.who.name, "url": s.profile(c.who),
		"note": "<p>Writes &amp; <b>reads</b><br>all day</p>", "avatar": s.web.URL + "/avatar.png",
		"source": map[string]any{"language": "en", "privacy": "public", "sensitive": false},
	})
}

// list sends the latest posts of an account, the newest first.
func (s *Server) list(c *call, id string) {
	limit := 20
	if text := c.URL.Query().Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 40 {
			s.t.Errorf("got limit %q; want 1 to 40", text)
		}
		limit = n
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.accounts, func(a *account) bool { return a.id == id })
	if i < 0 {
		c.refuse(404, "Record not found")
		return
	}
	found := []map[string]any{}
	for _, p := range slices.Backward(s.posts) {
		if p.Author == s.accounts[i].name && len(found) < limit {
			found = append(found, p.status())
		}
	}
	c.answer(200, found)
}

func (s *Server) show(c *call, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.posts {
		if p.ID == id {
			c.answer(200, p.status())
			return
		}
	}
	c.refuse(404, "Record not found")
}

// status is the post as the API has it.
func (p *Post) status() map[string]any {
	files := []map[string]any{}
	for i, f := range p.Files {
		files = append(files, map[string]any{"id": fmt.Sprint(i), "type": strings.Split(f.Type, "/")[0], "description": f.Description})
	}
	return map[string]any{
		"id": p.ID, "uri": p.URL, "url": p.URL, "created_at": p.Created.UTC().Format("2006-01-02T15:04:05.000Z"), "content": p.Content,
		"visibility": "public", "media_attachments": files, "reblog": nil, "account": map[string]any{"acct": p.Author},
	}
}

// form reads a form of known keys.
func (s *Server) form(c *call, known ...string) (url.Values, bool) {
	if _, ok := s.contentType(c, "application/x-www-form-urlencoded"); !ok {
		return nil, false
	}
	if err := c.ParseForm(); err != nil {
		s.t.Errorf("%s %s: broken form: %v", c.Method, c.URL.Path, err)
		c.refuse(400, "Bad request")
		return nil, false
	}
	for _, key := range slices.Sorted(maps.Keys(c.PostForm)) {
		if !slices.Contains(known, key) {
			s.t.Errorf("%s %s: nobody knows the form key %q", c.Method, c.URL.Path, key)
		}
		fmt.Fprintf(&c.entry.line, " %s=%q", key, c.PostForm[key])
	}
	return c.PostForm, true
}

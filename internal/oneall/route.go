package oneall

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// endpoint answers one method of a path, or says why it does not.
type endpoint func(*Handler, *call) (answer, error)

// route is a path of the dialect.
type route struct {
	pattern []string // segments; "*" is a token
	methods map[string]endpoint
	open    string // the method that needs no keys when the host names the site
	tokens  bool   // a publish token of the user in the path is as good as keys
}

// routes are all paths: contract, section 2.
var routes = []route{
	{pattern: []string{"sharing", "messages"}, methods: map[string]endpoint{"GET": (*Handler).listMessages, "POST": (*Handler).publishMessage}},
	{pattern: []string{"sharing", "messages", "*"}, methods: map[string]endpoint{
		"GET": (*Handler).readMessage, "POST": (*Handler).republishMessage, "DELETE": (*Handler).deleteMessage}},
	{pattern: []string{"shorturls"}, methods: map[string]endpoint{"GET": (*Handler).listShorturls, "POST": (*Handler).createShorturl}},
	{pattern: []string{"shorturls", "*"}, methods: map[string]endpoint{"GET": (*Handler).readShorturl, "DELETE": (*Handler).deleteShorturl}},
	{pattern: []string{"users"}, methods: map[string]endpoint{"GET": (*Handler).listUsers, "PUT": (*Handler).importUser}, open: "PUT"},
	{pattern: []string{"users", "*"}, methods: map[string]endpoint{"GET": (*Handler).readUser, "DELETE": (*Handler).deleteUser}},
	{pattern: []string{"users", "*", "contacts"}, methods: map[string]endpoint{"GET": (*Handler).readContacts}},
	{pattern: []string{"users", "*", "publish"}, methods: map[string]endpoint{"POST": (*Handler).publishForUser}, tokens: true},
	{pattern: []string{"identities"}, methods: map[string]endpoint{"GET": (*Handler).listIdentities}},
	{pattern: []string{"identities", "*"}, methods: map[string]endpoint{"GET": (*Handler).readIdentity, "DELETE": (*Handler).deleteIdentity}},
	{pattern: []string{"identities", "*", "link"}, methods: map[string]endpoint{"PUT": (*Handler).linkIdentity}},
	{pattern: []string{"identities", "*", "synchronize"}, methods: map[string]endpoint{"PUT": (*Handler).synchronizeIdentity}},
	{pattern: []string{"connections"}, methods: map[string]endpoint{"GET": (*Handler).listConnections}},
	{pattern: []string{"connections", "*"}, methods: map[string]endpoint{"GET": (*Handler).readConnection}},
	{pattern: []string{"connection", "*"}, methods: map[string]endpoint{"GET": (*Handler).readConnection}}, // as iOS, Android and pyoneall call it
	{pattern: []string{"providers"}, methods: map[string]endpoint{"GET": (*Handler).listProviders}, open: "GET"},
	{pattern: []string{"tools", "ping"}, methods: map[string]endpoint{"GET": (*Handler).ping}},
}

// findRoute returns the route of a path as it was received, the token in it and the
// format that its extension asks for. Double slashes count as one; a slash at the
// end names nothing. Without a route the format is still good for the refusal.
func findRoute(escaped string) (r *route, token string, f format) {
	if strings.HasSuffix(escaped, "/") {
		return nil, "", formatJSON
	}
	segments := slices.DeleteFunc(strings.Split(escaped, "/"), func(s string) bool { return s == "" })
	for i, s := range segments {
		plain, err := url.PathUnescape(s)
		if err != nil {
			return nil, "", formatJSON
		}
		segments[i] = plain
	}
	if len(segments) == 0 {
		return nil, "", formatJSON
	}
	last := &segments[len(segments)-1]
	if stem, found := strings.CutSuffix(*last, ".json"); found {
		*last = stem
	} else if stem, found := strings.CutSuffix(*last, ".xml"); found {
		*last, f = stem, formatXML
	} else {
		return nil, "", formatJSON
	}
	for i := range routes {
		if token, found := routes[i].match(segments); found {
			return &routes[i], token, f
		}
	}
	return nil, "", f
}

// match says whether the segments are a route's path, and which token they hold.
func (r *route) match(segments []string) (token string, found bool) {
	if len(segments) != len(r.pattern) {
		return "", false
	}
	for i, p := range r.pattern {
		switch {
		case p == "*" && segments[i] != "":
			token = segments[i]
		case p != segments[i]:
			return "", false
		}
	}
	return token, true
}

// allow are the methods of a route, for the header Allow.
func (r *route) allow() string {
	var names []string
	for name := range r.methods {
		names = append(names, name)
		if name == http.MethodGet {
			names = append(names, http.MethodHead)
		}
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

package oneall

import (
	"net/http"
	"strconv"

	"herald.example/internal/site"
)

func (h *Handler) listUsers(c *call) (answer, error) {
	q := c.readPage(defaultPage, false)
	query, err := q.entries()
	if err != nil {
		return answer{}, err
	}
	filter, err := parseFilters(c.query["filters"], h.o.Location)
	if err != nil {
		return answer{}, err
	}
	page, err := h.o.Directory.Users(c.context(), c.site.ID, query, filter)
	if err != nil {
		return answer{}, err
	}
	return ok(object{{"users", listed(q, page, func(p site.Person) string { return p.Token }, h.userEntry)}}), nil
}

// userEntry is a user in a list, where num_logins is a number: contract, section 9.
func (h *Handler) userEntry(p site.Person) object {
	return append(h.userDates(p.User), member{"num_logins", p.Logins}, member{"identities", shortIdentities(p.Identities)})
}

// userDates are what all forms of a user begin with.
func (h *Handler) userDates(u site.User) object {
	return object{{"user_token", u.Token}, {"date_creation", h.date(u.Created)}}.
		With(!u.LastLogin.IsZero(), "date_last_login", h.date(u.LastLogin))
}

// shortIdentities name identities without describing them.
func shortIdentities(identities []site.Identity) list {
	short := make(list, len(identities))
	for i, identity := range identities {
		short[i] = object{{"identity_token", identity.Token}, {"provider", identity.Provider}}
	}
	return short
}

func (h *Handler) readUser(c *call) (answer, error) {
	person, err := h.findUser(c)
	if err != nil {
		return answer{}, err
	}
	node, err := h.userNode(c.site, person, nil)
	return ok(object{{"user", node}}), err
}

// findUser is the user of the path.
func (h *Handler) findUser(c *call) (site.Person, error) {
	token, err := c.pathToken("user")
	if err != nil {
		return site.Person{}, err
	}
	person, err := h.o.Directory.User(c.context(), c.site.ID, token)
	return person, lookup(err, "user")
}

// userNode is a user in full, where num_logins is text: contract, section 9. The
// identity that they came with stands beside the others when it is known; iOS reads
// uuid then. publish_token is what apps publish with.
func (h *Handler) userNode(s site.Site, p site.Person, came *site.Identity) (object, error) {
	token, err := h.o.Directory.PublishToken(s.ID, p.Token)
	if err != nil {
		return nil, err
	}
	providers := h.o.Publisher.Providers(s)
	node := append(h.userDates(p.User), member{"num_logins", strconv.Itoa(p.Logins)}, member{"publish_token", object{
		{"key", string(token.Key)}, {"date_creation", h.date(token.Created)}, {"date_expiration", h.date(token.Expires)},
	}})
	if came != nil {
		node = append(node, member{"uuid", p.Token}, member{"identity", identityNode(providers, *came)})
	}
	identities := make(list, len(p.Identities))
	for i, identity := range p.Identities {
		identities[i] = identityNode(providers, identity)
	}
	return append(node, member{"identities", identities}), nil
}

func (h *Handler) deleteUser(c *call) (answer, error) {
	if err := c.confirmed(); err != nil {
		return answer{}, err
	}
	token, err := c.pathToken("user")
	if err != nil {
		return answer{}, err
	}
	person, err := h.o.Directory.DeleteUser(c.context(), c.site.ID, token)
	if err != nil {
		return answer{}, lookup(err, "user")
	}
	a := ok(object{{"user", object{{"user_token", person.Token}, {"identities", shortIdentities(person.Identities)}}}})
	a.result = "The user has been deleted, and the identities with them."
	return a, nil
}

// readContacts answers that there are none: no network that is offered tells them.
// pyoneall and the node SDK read identities, the .NET SDK reads results.
func (h *Handler) readContacts(c *call) (answer, error) {
	if _, err := h.findUser(c); err != nil {
		return answer{}, err
	}
	a := ok(object{{"identities", object{{"count", 0}, {"entries", list{}}}}, {"results", list{}}})
	a.info = "None of the networks that are offered here tells a user's contacts."
	return a, nil
}

// importBody is the request to import a user. Server and account are ours: networks
// of many servers need the first, and those with a password per app the second.
type importBody struct {
	User part[struct {
		Action   string `json:"action"`
		User     string `json:"user_token"`
		Identity part[struct {
			Source part[struct {
				Provider string `json:"key"`
				Server   string `json:"server"`
				Account  string `json:"account"`
				Token    part[struct {
					Key    string `json:"key"`
					Secret string `json:"secret"`
				}] `json:"access_token"`
			}] `json:"source"`
		}] `json:"identity"`
	}] `json:"user"`
}

// login is the account that a request wants to arrive.
func (b importBody) login() (l site.Login, err error) {
	const where = "request.user"
	user := b.User.v
	if !b.User.sent {
		return l, badRequest("%s is missing; it says whom to import.", where)
	}
	if user.Action != "" && user.Action != "import_from_access_token" {
		return l, badRequest("%s.action is not offered; send import_from_access_token.", where)
	}
	if user.User != "" {
		if l.User, err = bodyToken(where+".user_token", "user", user.User); err != nil {
			return l, err
		}
	}
	source := user.Identity.v.Source.v
	switch {
	case source.Provider == "":
		return l, badRequest("%s.identity.source.key is missing; name the provider, such as mastodon.", where)
	case site.CheckProvider(source.Provider) != nil:
		return l, badRequest("%s.identity.source.key is no provider; send a key such as mastodon.", where)
	case source.Token.v.Key == "" && source.Token.v.Secret == "":
		return l, badRequest("%s.identity.source.access_token.key is missing; send the token that the provider gave.", where)
	}
	if source.Server != "" {
		if err := checkURL(where+".identity.source.server", source.Server); err != nil {
			return l, err
		}
	}
	l.Provider = source.Provider
	l.Account = site.Account{Name: source.Account, Server: source.Server}
	l.Credentials = site.Credentials{Access: site.Secret(source.Token.v.Key), Secret: site.Secret(source.Token.v.Secret)}
	l.Source = "import"
	return l, nil
}

func (h *Handler) importUser(c *call) (answer, error) {
	body, err := decode[importBody](h, c, smallBody, false)
	if err != nil {
		return answer{}, err
	}
	login, err := body.login()
	if err != nil {
		return answer{}, err
	}
	if c.keyless && login.User != "" {
		// Whoever knows a user's token could join the user, and publish for them.
		return answer{}, &fault{errKeys, "Keys are missing; an account is joined to a user of request.user.user_token only with the keys of the site."}
	}
	person, identity, _, err := h.o.Publisher.Import(c.context(), c.site, login)
	if err != nil {
		return answer{}, lookup(err, "user")
	}
	node, err := h.userNode(c.site, person, &identity)
	if err != nil {
		return answer{}, err
	}
	a := ok(object{{"user", node}})
	a.code, a.info = http.StatusCreated, "The user has been imported."
	return a, nil
}

package oneall

import (
	"net/http"
	"net/url"

	"herald.example/internal/publish"
	"herald.example/internal/site"
)

func (h *Handler) listIdentities(c *call) (answer, error) {
	q := c.readPage(defaultPage, true)
	query, err := q.entries()
	if err != nil {
		return answer{}, err
	}
	page, err := h.o.Directory.Identities(c.context(), c.site.ID, query)
	if err != nil {
		return answer{}, err
	}
	return ok(object{{"identities", listed(q, page, func(i site.Identity) string { return i.Token }, h.identityEntry)}}), nil
}

// identityEntry is an identity in a list.
func (h *Handler) identityEntry(i site.Identity) object {
	return object{
		{"user_token", i.User}, {"identity_token", i.Token}, {"provider", i.Provider},
		{"date_creation", h.date(i.Created)}, {"date_last_update", h.date(i.Updated)},
	}
}

func (h *Handler) readIdentity(c *call) (answer, error) {
	i, err := h.findIdentity(c)
	if err != nil {
		return answer{}, err
	}
	return ok(object{{"identity", h.ownedIdentity(c.site, i)}}), nil
}

// findIdentity is the identity of the path.
func (h *Handler) findIdentity(c *call) (site.Identity, error) {
	token, err := c.pathToken("identity")
	if err != nil {
		return site.Identity{}, err
	}
	i, err := h.o.Directory.Identity(c.context(), c.site.ID, token)
	return i, lookup(err, "identity")
}

// ownedIdentity is an identity by itself, with its user.
func (h *Handler) ownedIdentity(s site.Site, i site.Identity) object {
	return append(object{{"user_token", i.User}}, identityNode(h.o.Publisher.Providers(s), i)...)
}

// identityNode describes an identity: contract, section 10. Only what is known is
// there. source never holds access_token: credentials stay sealed.
func identityNode(providers []publish.Provider, i site.Identity) object {
	a, p := i.Account, i.Profile
	username := p.Username
	if username == "" {
		username = a.Name
	}
	name := object{}.WithText("formatted", p.DisplayName).WithText("givenName", p.GivenName).WithText("familyName", p.FamilyName)
	node := object{
		{"identity_token", i.Token},
		{"provider", i.Provider},
		{"source", object{{"name", providerName(providers, i.Provider)}, {"key", i.Provider}}},
	}.
		WithText("id", a.ID).
		WithText("displayName", p.DisplayName).
		With(len(name) > 0, "name", name).
		WithText("preferredUsername", username).
		WithText("profileUrl", a.URL).
		WithText("thumbnailUrl", p.Picture).
		WithText("pictureUrl", p.Picture).
		WithText("currentLocation", p.Location).
		WithText("aboutMe", p.About).
		With(p.Email != "", "emails", list{object{{"value", p.Email}, {"is_verified", false}}}).
		With(a.URL != "", "urls", list{object{{"value", a.URL}, {"type", "profile"}}})
	if a.ID != "" {
		account := object{}.WithText("domain", accountDomain(a)).WithText("userid", a.ID).WithText("username", username)
		node = append(node, member{"accounts", list{account}})
	}
	if p.Picture != "" {
		node = append(node, member{"photos", list{object{{"value", p.Picture}, {"type", "photo"}}}})
	}
	if len(p.Languages) > 0 {
		languages := make(list, len(p.Languages))
		for n, l := range p.Languages {
			languages[n] = object{{"value", l}}
		}
		node = append(node, member{"languages", languages})
	}
	return node
}

// providerName is a provider's name for people, or its key.
func providerName(providers []publish.Provider, key string) string {
	for _, p := range providers {
		if p.Key == key && p.Name != "" {
			return p.Name
		}
	}
	return key
}

// accountDomain is the host that an account lives on, empty when nobody knows.
func accountDomain(a site.Account) string {
	for _, raw := range []string{a.Server, a.URL} {
		if u, err := url.Parse(raw); err == nil && u.Host != "" {
			return u.Hostname()
		}
	}
	return ""
}

func (h *Handler) deleteIdentity(c *call) (answer, error) {
	if err := c.confirmed(); err != nil {
		return answer{}, err
	}
	token, err := c.pathToken("identity")
	if err != nil {
		return answer{}, err
	}
	if _, err := h.o.Directory.DeleteIdentity(c.context(), c.site.ID, token); err != nil {
		return answer{}, lookup(err, "identity")
	}
	return answer{code: http.StatusOK, info: "The identity has been deleted."}, nil
}

// linkBody is the request to give an identity to another user.
type linkBody struct {
	User part[struct {
		Token string `json:"user_token"`
	}] `json:"user"`
}

func (h *Handler) linkIdentity(c *call) (answer, error) {
	i, err := h.findIdentity(c)
	if err != nil {
		return answer{}, err
	}
	body, err := decode[linkBody](h, c, smallBody, false)
	if err != nil {
		return answer{}, err
	}
	user, err := bodyToken("request.user.user_token", "user", body.User.v.Token)
	if err != nil {
		return answer{}, err
	}
	person, err := h.o.Directory.MoveIdentity(c.context(), c.site.ID, i.Token, user)
	if err != nil {
		return answer{}, lookup(err, "user")
	}
	a := ok(object{{"user", object{{"user_token", person.Token}, {"identities", shortIdentities(person.Identities)}}}})
	a.result = "The identity is linked to the user."
	return a, nil
}

// synchronizeBody is the request to ask the network again. All of it may be missing.
type synchronizeBody struct {
	Synchronize part[struct {
		Profile flag `json:"update_user_data"`
		Token   flag `json:"force_token_update"`
	}] `json:"synchronize"`
}

func (h *Handler) synchronizeIdentity(c *call) (answer, error) {
	token, err := c.pathToken("identity")
	if err != nil {
		return answer{}, err
	}
	body, err := decode[synchronizeBody](h, c, smallBody, true)
	if err != nil {
		return answer{}, err
	}
	what := body.Synchronize.v
	i, err := h.o.Publisher.Synchronize(c.context(), c.site, token, what.Profile.on || !what.Profile.sent, what.Token.on)
	if err != nil {
		return answer{}, lookup(err, "identity")
	}
	return ok(object{{"identity", h.ownedIdentity(c.site, i)}}), nil
}

package oneall

import (
	"errors"

	"herald.example/internal/site"
)

// plugin is the service that OneAll would have connected a user with.
const plugin = "social_login"

func (h *Handler) listConnections(c *call) (answer, error) {
	q := c.readPage(defaultPage, true)
	query, err := q.entries()
	if err != nil {
		return answer{}, err
	}
	page, err := h.o.Directory.Connections(c.context(), c.site.ID, query)
	if err != nil {
		return answer{}, err
	}
	return ok(object{{"connections", listed(q, page, func(e site.Connection) string { return e.Token }, h.connectionEntry)}}), nil
}

// connectionEntry is a connection in a list.
func (h *Handler) connectionEntry(e site.Connection) object {
	return object{
		{"connection_token", e.Token}, {"status", "succeeded"}, {"date_creation", h.date(e.Created)},
		{"user_token", e.User}, {"identity_token", e.Identity},
	}
}

func (h *Handler) readConnection(c *call) (answer, error) {
	token, err := c.pathToken("connection")
	if err != nil {
		return answer{}, err
	}
	e, err := h.o.Directory.Connection(c.context(), c.site.ID, token)
	if err != nil {
		return answer{}, lookup(err, "connection")
	}
	user, err := h.connectionUser(c, e)
	if err != nil {
		return answer{}, err
	}
	a := ok(object{
		{"connection", object{{"connection_token", e.Token}, {"date", h.date(e.Created)}, {"plugin", plugin}}},
		{"plugin", object{{"key", plugin}, {"data", object{{"status", flagSuccess}}}}},
		{"user", user},
	})
	a.result = "The user successfully authenticated."
	return a, nil
}

// connectionUser is the user of a connection with the identity that they came with.
// Of what was deleted since, the token stays.
func (h *Handler) connectionUser(c *call, e site.Connection) (object, error) {
	person, err := h.o.Directory.User(c.context(), c.site.ID, e.User)
	if errors.Is(err, site.ErrNotFound) {
		return object{{"user_token", e.User}}, nil
	} else if err != nil {
		return nil, err
	}
	for _, i := range person.Identities {
		if i.Token == e.Identity {
			return h.userNode(c.site, person, &i)
		}
	}
	return h.userNode(c.site, person, nil)
}

package operator

import (
	"cmp"
	"time"

	"herald.example/internal/link"
	"herald.example/internal/linkapi"
	"herald.example/internal/publish"
	"herald.example/internal/site"
)

// What follows is how an operator sees things, on the wire and in the output of
// commands.

// Page is one page of a list.
type Page[T any] struct {
	Entries []T    `json:"entries"`
	Total   int    `json:"total"`          // entries on all pages
	Next    string `json:"next,omitempty"` // the After of the next page; empty on the last one
}

// newPage is the view of p.
func newPage[From, To any](p site.Page[From], view func(From) To, token func(From) string) Page[To] {
	page := Page[To]{Entries: make([]To, len(p.Entries)), Total: p.Total}
	for i, e := range p.Entries {
		page.Entries[i] = view(e)
	}
	if p.More && len(p.Entries) > 0 {
		page.Next = token(p.Entries[len(p.Entries)-1])
	}
	return page
}

// Site is a site with its public keys.
type Site struct {
	ID        string    `json:"site_id"`
	Name      string    `json:"name"`
	Created   time.Time `json:"date_creation"`
	Domain    string    `json:"domain"`             // empty: that of the data centre, else the shortener's default
	Redirect  string    `json:"redirect,omitempty"` // of links made from now on: js; absent: 302
	Simulated []string  `json:"simulated_providers"`
	Keys      []Key     `json:"keys"` // the newest first
	Gigya     Gigya     `json:"gigya"`
}

// Gigya is what clients of Gigya's dialect need of a site, without secrets.
type Gigya struct {
	APIKey     string    `json:"apiKey"`
	DataCentre string    `json:"dataCenter"` // empty: any
	Trusted    []string  `json:"trustedShareURLs"`
	ShortURLs  string    `json:"shortURLs"`
	CID        string    `json:"cid"`
	Providers  []string  `json:"enabledProviders"`     // none: all that are connected
	Cookies    string    `json:"baseDomain,omitempty"` // of cookies; empty: the host that sets them
	UserKeys   []UserKey `json:"userKeys"`             // in the order of creation
}

// UserKey is a key of an application.
type UserKey struct {
	Key     string    `json:"userKey"`
	Kind    string    `json:"kind"` // secret, or rsa for a public key
	Created time.Time `json:"date_creation"`
}

func newGigya(g site.Gigya) Gigya {
	view := Gigya{
		APIKey: g.APIKey, DataCentre: g.DataCentre, Trusted: append([]string{}, g.Trusted...), ShortURLs: cmp.Or(g.ShortURLs, "always"), CID: g.CID, Cookies: g.CookieDomain,
		Providers: append([]string{}, g.Providers...), UserKeys: []UserKey{},
	}
	for _, k := range g.UserKeys {
		view.UserKeys = append(view.UserKeys, newUserKey(k))
	}
	return view
}

func newUserKey(k site.UserKey) UserKey {
	kind := "secret"
	if k.RSA != nil {
		kind = "rsa"
	}
	return UserKey{k.Key, kind, k.Created}
}

// Key is a pair of keys by its public half.
type Key struct {
	Public  string    `json:"public_key"`
	Created time.Time `json:"date_creation"`
	Expires time.Time `json:"date_expiration,omitzero"`
}

func newSite(s site.Site) Site {
	view := Site{
		ID: s.ID, Name: s.Name, Created: s.Created, Domain: s.Domain, Simulated: append([]string{}, s.Simulated...), Keys: []Key{}, Gigya: newGigya(s.Gigya),
	}
	if s.Redirect != link.Found {
		view.Redirect = s.Redirect.String()
	}
	for _, pair := range s.Keys {
		view.Keys = append(view.Keys, Key{pair.Public, pair.Created, pair.Expires})
	}
	return view
}

// User is a user with identities.
type User struct {
	Token      string     `json:"user_token"`
	UID        string     `json:"UID,omitempty"` // the site's own name
	Created    time.Time  `json:"date_creation"`
	LastLogin  time.Time  `json:"date_last_login"`
	Logins     int        `json:"num_logins"`
	Identities []Identity `json:"identities"`
}

func newUser(p site.Person) User {
	view := User{Token: p.Token, UID: p.UID, Created: p.Created, LastLogin: p.LastLogin, Logins: p.Logins, Identities: []Identity{}}
	for _, i := range p.Identities {
		view.Identities = append(view.Identities, newIdentity(i))
	}
	return view
}

func personToken(p site.Person) string { return p.Token }

// Identity is an account on a network, without credentials.
type Identity struct {
	Token    string    `json:"identity_token"`
	User     string    `json:"user_token"`
	Provider string    `json:"provider"`
	Created  time.Time `json:"date_creation"`
	Updated  time.Time `json:"date_last_update"`
	ID       string    `json:"account_id"` // the network's own
	Name     string    `json:"account"`    // as people write it
	Display  string    `json:"display_name,omitempty"`
	Server   string    `json:"server,omitempty"`
	URL      string    `json:"profile_url,omitempty"`
	Broken   string    `json:"broken,omitempty"` // why the user must connect again
}

func newIdentity(i site.Identity) Identity {
	return Identity{
		Token: i.Token, User: i.User, Provider: i.Provider, Created: i.Created, Updated: i.Updated, ID: i.Account.ID, Name: i.Account.Name,
		Display: i.Profile.DisplayName, Server: i.Account.Server, URL: i.Account.URL, Broken: i.Broken,
	}
}

func identityToken(i site.Identity) string { return i.Token }

// Provider is a network as a site sees it.
type Provider struct {
	Key       string `json:"key"`
	Name      string `json:"name"`
	Available bool   `json:"is_available"` // it can be published to
	Simulated bool   `json:"is_simulated"` // by the simulated network
	Server    bool   `json:"needs_server"` // its accounts are on many servers
}

func newProviders(providers []publish.Provider) []Provider {
	view := []Provider{}
	for _, p := range providers {
		view = append(view, Provider{Key: p.Key, Name: p.Name, Available: p.Available, Simulated: p.Simulated, Server: p.Server})
	}
	return view
}

// Head is a message in a list.
type Head struct {
	Token         string    `json:"sharing_message_token"`
	Created       time.Time `json:"date_creation"`
	LastPublished time.Time `json:"date_last_published"`
}

func newHead(h publish.Head) Head     { return Head(h) }
func headToken(h publish.Head) string { return h.Token }

// Message is a message with its publications.
type Message struct {
	Head
	Rounds       int           `json:"num_rounds"` // how often it was published
	Text         string        `json:"text"`
	Link         string        `json:"link,omitempty"`    // URL of the page that it speaks of
	Title        string        `json:"title,omitempty"`   // of the page
	Kind         string        `json:"kind,omitempty"`    // of what came through Gigya's dialect: action, status or checkin
	CID          string        `json:"cid,omitempty"`     // context ID that reports have it under
	CallID       string        `json:"call_id,omitempty"` // of the call that it came with
	Publications []Publication `json:"publications"`
}

// Publication is a message on one network as one identity, with its state.
type Publication struct {
	Number   int              `json:"number"`
	Round    int              `json:"round"`
	Provider string           `json:"provider"`
	User     string           `json:"user_token,omitempty"`
	Identity string           `json:"identity_token,omitempty"`
	State    publish.State    `json:"state"`
	Created  time.Time        `json:"date_creation"`
	Sent     time.Time        `json:"date_last_try,omitzero"`
	Due      time.Time        `json:"date_next_try,omitzero"` // of one that is not final
	Tries    int              `json:"num_tries"`
	Links    []TrackedLink    `json:"tracked_shorturls"`
	PostID   string           `json:"post_id,omitempty"`
	PostURL  string           `json:"post_url,omitempty"`
	Note     string           `json:"note,omitempty"` // what was lost on the way
	Refusal  *publish.Refusal `json:"refusal,omitempty"`
}

// TrackedLink is a link of a publication.
type TrackedLink struct {
	linkapi.Ref
	ShortURL string `json:"short_url"`
	Target   string `json:"original_url"`
	Deleted  bool   `json:"is_deleted,omitempty"`
}

func newMessage(m publish.Message, publications []publish.Publication, bases link.Bases) Message {
	view := Message{Head: Head{m.Token, m.Created, m.LastPublished}, Rounds: m.Rounds, Publications: []Publication{}}
	if m.Parts.Text != nil {
		view.Text = m.Parts.Text.Body
	}
	if m.Parts.Link != nil {
		view.Link, view.Title = m.Parts.Link.URL, m.Parts.Link.Name
	}
	if share := m.Parts.Share; share != nil {
		view.Kind, view.CID, view.CallID = string(share.Kind), share.CID, share.Call
	}
	for _, p := range publications {
		view.Publications = append(view.Publications, newPublication(p, bases))
	}
	return view
}

func newPublication(p publish.Publication, bases link.Bases) Publication {
	view := Publication{
		Number: p.Number, Round: p.Round, Provider: p.Provider, User: p.User, Identity: p.Identity, State: p.State,
		Created: p.Created, Sent: p.Sent, Tries: p.Tries, Links: []TrackedLink{},
		PostID: p.Receipt.ID, PostURL: p.Receipt.URL, Note: p.Receipt.Note, Refusal: p.Refusal,
	}
	if !p.State.Final() {
		view.Due = p.Due
	}
	for _, l := range p.Links {
		view.Links = append(view.Links, TrackedLink{linkapi.Ref(l.Ref), bases.ShortURL(l.Ref), l.Target, l.Deleted})
	}
	return view
}

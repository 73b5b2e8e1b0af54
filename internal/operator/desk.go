package operator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"herald.example/internal/link"
	"herald.example/internal/publish"
	"herald.example/internal/site"
)

// Importer lets accounts arrive whose networks were asked.
type Importer interface {
	// Import asks the network whose credentials these are, and lets the account arrive.
	Import(ctx context.Context, s site.Site, login site.Login) (site.Person, site.Identity, site.Connection, error)
	// Providers are all networks, in the order of their keys.
	Providers(s site.Site) []publish.Provider
}

// Archive reads messages. Parameters named siteID are IDs of sites.
type Archive interface {
	Message(ctx context.Context, siteID, token string) (publish.Message, []publish.Publication, error)
	Messages(ctx context.Context, siteID string, q site.ListQuery) (site.Page[publish.Head], error)
}

// Domains knows where short URLs live, also while a shortener apart is down.
type Domains interface {
	Bases(ctx context.Context) (link.Bases, error)
}

// Publisher is what a desk needs beside the directory.
type Publisher interface {
	Importer
	Archive
	Domains
}

// Desk is Operations on a directory and a publisher. It is safe for concurrent use.
type Desk struct {
	dir *site.Directory
	pub Publisher
}

// NewDesk returns a desk.
func NewDesk(dir *site.Directory, pub Publisher) *Desk { return &Desk{dir, pub} }

// on does something with the site of a name, and shows what came of it.
func on[T, View any](d *Desk, name string, do func(s site.Site) (T, error), view func(T) View) (View, error) {
	var none View
	s, err := d.dir.Site(name)
	if err != nil {
		return none, err
	}
	done, err := do(s)
	if err != nil {
		return none, err
	}
	return view(done), nil
}

// Sites returns all sites in the order of creation.
func (d *Desk) Sites(context.Context) ([]Site, error) {
	sites := []Site{}
	for _, s := range d.dir.Sites() {
		sites = append(sites, newSite(s))
	}
	return sites, nil
}

// Site returns one site.
func (d *Desk) Site(_ context.Context, name string) (Site, error) {
	return on(d, name, func(s site.Site) (site.Site, error) { return s, nil }, newSite)
}

// AddSite makes a site.
func (d *Desk) AddSite(ctx context.Context, draft site.SiteDraft) (Site, site.NewKeys, error) {
	if err := d.checkDomain(ctx, draft.Domain); err != nil {
		return Site{}, site.NewKeys{}, fmt.Errorf("add site %.63s: %w", draft.Name, err)
	}
	s, keys, err := d.dir.AddSite(ctx, draft)
	if err != nil {
		return Site{}, site.NewKeys{}, err
	}
	return newSite(s), keys, nil
}

// checkDomain refuses a domain that the shortener does not serve: every message of
// its site would fail.
func (d *Desk) checkDomain(ctx context.Context, domain string) error {
	if domain == "" {
		return nil
	}
	checked, err := link.CheckDomain(domain)
	if err != nil {
		return err
	}
	bases, err := d.pub.Bases(ctx)
	if err != nil {
		return err
	}
	if bases.Find(checked) == nil {
		return fmt.Errorf("%w: %s is not served here; served are %s", link.ErrDomain, checked, strings.Join(bases.Domains(), ", "))
	}
	return nil
}

// EditSite changes the settings of a site.
func (d *Desk) EditSite(ctx context.Context, name string, edit SiteEdit) (Site, error) {
	return on(d, name, func(s site.Site) (site.Site, error) {
		if edit.Domain != nil {
			if err := d.checkDomain(ctx, *edit.Domain); err != nil {
				return site.Site{}, fmt.Errorf("edit site %s: %w", s.Name, err)
			}
		}
		if err := d.checkProviders(s, edit.Gigya.Providers); err != nil {
			return site.Site{}, fmt.Errorf("edit site %s: %w", s.Name, err)
		}
		return d.dir.EditSite(ctx, s.ID, func(s *site.Site) error {
			if edit.Name != nil {
				s.Name = *edit.Name
			}
			if edit.Domain != nil {
				s.Domain = *edit.Domain
			}
			if edit.Redirect != nil {
				method, err := link.ParseMethod(*edit.Redirect)
				if err != nil {
					return err
				}
				s.Redirect = method
			}
			if edit.Simulated != nil {
				s.Simulated = edit.Simulated
			}
			edit.Gigya.apply(&s.Gigya)
			return nil
		})
	}, newSite)
}

// checkProviders refuses keys of providers that nobody knows: a call that goes to them
// alone would find nobody connected.
func (d *Desk) checkProviders(s site.Site, keys []string) error {
	known := d.pub.Providers(s)
	for _, key := range keys {
		if !slices.ContainsFunc(known, func(p publish.Provider) bool { return p.Key == key }) {
			return fmt.Errorf("%w: %.80q; sharing-api provider list %s shows those there are", site.ErrProvider, key, s.Name)
		}
	}
	return nil
}

// RotateKeys gives a site a new pair of keys.
func (d *Desk) RotateKeys(ctx context.Context, name string, grace time.Duration) (Site, site.NewKeys, error) {
	var keys site.NewKeys
	view, err := on(d, name, func(s site.Site) (_ site.Site, err error) {
		s, keys, err = d.dir.RotateKeys(ctx, s.ID, grace)
		return s, err
	}, newSite)
	return view, keys, err
}

// RotateSeal seals everything under a new key.
func (d *Desk) RotateSeal(ctx context.Context) (int, error) { return d.dir.Rotate(ctx) }

// RotateSecret gives a site a new secret for Gigya's dialect.
func (d *Desk) RotateSecret(ctx context.Context, name string) (Site, site.Secret, error) {
	var secret site.Secret
	view, err := on(d, name, func(s site.Site) (_ site.Site, err error) {
		s, secret, err = d.dir.RotateGigyaSecret(ctx, s.ID)
		return s, err
	}, newSite)
	return view, secret, err
}

// SetClientKeys gives a site the API key and the secret that its clients have.
func (d *Desk) SetClientKeys(ctx context.Context, name string, keys site.ClientKeys) (Site, error) {
	return on(d, name, func(s site.Site) (site.Site, error) { return d.dir.SetClientKeys(ctx, s.ID, keys) }, newSite)
}

// AddUserKey gives a site a key for an application.
func (d *Desk) AddUserKey(ctx context.Context, name, publicKey string) (UserKey, site.Secret, error) {
	var secret site.Secret
	var text []byte // nil: make a secret
	if publicKey != "" {
		text = []byte(publicKey)
	}
	view, err := on(d, name, func(s site.Site) (k site.UserKey, err error) {
		_, k, secret, err = d.dir.AddUserKey(ctx, s.ID, text)
		return k, err
	}, newUserKey)
	return view, secret, err
}

// ImportUserKey gives a site a user key that an application has.
func (d *Desk) ImportUserKey(ctx context.Context, name string, draft site.UserKeyDraft) (UserKey, error) {
	return on(d, name, func(s site.Site) (k site.UserKey, err error) {
		_, k, err = d.dir.ImportUserKey(ctx, s.ID, draft)
		return k, err
	}, newUserKey)
}

// PermitUserKey permits a site's key on another site.
func (d *Desk) PermitUserKey(ctx context.Context, name, key, on string) (Site, UserKey, error) {
	from, err := d.dir.Site(name)
	if err != nil {
		return Site{}, UserKey{}, err
	}
	to, err := d.dir.Site(on)
	if err != nil {
		return Site{}, UserKey{}, err
	}
	s, k, err := d.dir.PermitUserKey(ctx, from.ID, key, to.ID)
	if err != nil {
		return Site{}, UserKey{}, err
	}
	return newSite(s), newUserKey(k), nil
}

// RemoveUserKey ends a key of an application.
func (d *Desk) RemoveUserKey(ctx context.Context, name, key string) (Site, error) {
	return on(d, name, func(s site.Site) (site.Site, error) {
		if err := d.dir.RemoveUserKey(ctx, s.ID, key); err != nil {
			return site.Site{}, err
		}
		return d.dir.Site(s.ID)
	}, newSite)
}

// AddUser makes a user without identities.
func (d *Desk) AddUser(ctx context.Context, name, uid string) (User, error) {
	return on(d, name, func(s site.Site) (site.Person, error) {
		if uid == "" {
			u, err := d.dir.AddUser(ctx, s.ID)
			return site.Person{User: u}, err
		}
		p, created, err := d.dir.EnsureUser(ctx, s.ID, uid)
		if err == nil && !created {
			err = fmt.Errorf("%w: user %s has the UID", site.ErrTaken, p.Token)
		}
		return p, err
	}, newUser)
}

// User returns one user.
func (d *Desk) User(ctx context.Context, name, token string) (User, error) {
	return on(d, name, func(s site.Site) (site.Person, error) { return d.dir.User(ctx, s.ID, token) }, newUser)
}

// UserByUID returns the user whom the site calls uid.
func (d *Desk) UserByUID(ctx context.Context, name, uid string) (User, error) {
	return on(d, name, func(s site.Site) (site.Person, error) { return d.dir.UserByUID(ctx, s.ID, uid) }, newUser)
}

// Users returns a page of users.
func (d *Desk) Users(ctx context.Context, name string, q site.ListQuery) (Page[User], error) {
	return on(d, name, func(s site.Site) (site.Page[site.Person], error) { return d.dir.Users(ctx, s.ID, q, site.UserFilter{}) },
		func(p site.Page[site.Person]) Page[User] { return newPage(p, newUser, personToken) })
}

// SetUID gives a user another UID, or none.
func (d *Desk) SetUID(ctx context.Context, name, token, uid string) (User, error) {
	return on(d, name, func(s site.Site) (site.Person, error) {
		if _, err := d.dir.SetUID(ctx, s.ID, token, uid); err != nil {
			return site.Person{}, err
		}
		return d.dir.User(ctx, s.ID, token)
	}, newUser)
}

// DeleteUser removes a user and returns what was there.
func (d *Desk) DeleteUser(ctx context.Context, name, token string) (User, error) {
	return on(d, name, func(s site.Site) (site.Person, error) { return d.dir.DeleteUser(ctx, s.ID, token) }, newUser)
}

// Providers returns all networks.
func (d *Desk) Providers(_ context.Context, name string) ([]Provider, error) {
	return on(d, name, func(s site.Site) ([]publish.Provider, error) { return d.pub.Providers(s), nil }, newProviders)
}

// sourceOperator is the source of connections that an operator makes.
const sourceOperator = "operator"

// AddIdentity lets an account arrive.
func (d *Desk) AddIdentity(ctx context.Context, name string, draft IdentityDraft) (Identity, error) {
	if err := draft.check(); err != nil {
		return Identity{}, err
	}
	return on(d, name, func(s site.Site) (site.Identity, error) {
		if draft.User != "" { // before the network is troubled
			if _, err := d.dir.User(ctx, s.ID, draft.User); err != nil {
				return site.Identity{}, err
			}
		}
		credentials := site.Credentials{Access: draft.Access, Secret: draft.Secret}
		if s.Simulates(draft.Provider) && draft.Access == "" && draft.Secret == "" {
			credentials.Access = site.Secret(draft.Name) // the simulated network takes a name for a token
		}
		_, i, _, err := d.pub.Import(ctx, s, site.Login{
			User: draft.User, Provider: draft.Provider, Source: sourceOperator,
			Account:     site.Account{Name: draft.Name, Server: draft.Server},
			Credentials: credentials,
		})
		if err != nil {
			return site.Identity{}, hide(err, draft.Access, draft.Secret)
		}
		return i, nil
	}, newIdentity)
}

// minSecret is the length of the shortest secret that is hidden, in bytes: one that
// is shorter would be found in any sentence.
const minSecret = 4

// hide takes secrets out of an error: a network may repeat in its words what it was
// sent.
func hide(err error, secrets ...site.Secret) error {
	clean := func(text string) string {
		for _, s := range secrets {
			if len(s) >= minSecret {
				text = strings.ReplaceAll(text, string(s), s.String())
			}
		}
		return text
	}
	text := clean(err.Error())
	if text == err.Error() {
		return err
	}
	if refused, ok := errors.AsType[*publish.Error](err); ok {
		return &publish.Error{
			Kind: refused.Kind, Network: refused.Network, Message: clean(refused.Message), Status: refused.Status,
			Code: clean(refused.Code), Trace: clean(refused.Trace), RetryAfter: refused.RetryAfter,
		}
	}
	return &hidden{text, err}
}

// hidden is an error whose text had secrets in it. errors.Is finds what it was; the
// error itself is not to be had.
type hidden struct {
	text  string
	cause error
}

// Error is the text without secrets.
func (e *hidden) Error() string { return e.text }

// Is says whether the error was target.
func (e *hidden) Is(target error) bool { return errors.Is(e.cause, target) }

// Identities returns a page of identities.
func (d *Desk) Identities(ctx context.Context, name string, q site.ListQuery) (Page[Identity], error) {
	return on(d, name, func(s site.Site) (site.Page[site.Identity], error) { return d.dir.Identities(ctx, s.ID, q) },
		func(p site.Page[site.Identity]) Page[Identity] { return newPage(p, newIdentity, identityToken) })
}

// DeleteIdentity removes an identity and returns what was there.
func (d *Desk) DeleteIdentity(ctx context.Context, name, token string) (Identity, error) {
	return on(d, name, func(s site.Site) (site.Identity, error) { return d.dir.DeleteIdentity(ctx, s.ID, token) }, newIdentity)
}

// Messages returns a page of messages.
func (d *Desk) Messages(ctx context.Context, name string, q site.ListQuery) (Page[Head], error) {
	return on(d, name, func(s site.Site) (site.Page[publish.Head], error) {
		if err := q.Check(); err != nil {
			return site.Page[publish.Head]{}, fmt.Errorf("list messages: %w", err)
		}
		return d.pub.Messages(ctx, s.ID, q)
	}, func(p site.Page[publish.Head]) Page[Head] { return newPage(p, newHead, headToken) })
}

// Message returns a message with its publications.
func (d *Desk) Message(ctx context.Context, name, token string) (Message, error) {
	return on(d, name, func(s site.Site) (Message, error) {
		m, publications, err := d.pub.Message(ctx, s.ID, token)
		if err != nil {
			return Message{}, err
		}
		bases, err := d.pub.Bases(ctx)
		if err != nil && !errors.Is(err, publish.ErrUnavailable) {
			return Message{}, err
		}
		return newMessage(m, publications, bases), nil // without bases, short URLs are what they would be over https
	}, func(m Message) Message { return m })
}

// Places returns where users of a site can say they are.
func (d *Desk) Places(ctx context.Context, name string) ([]site.Place, error) {
	return on(d, name, func(s site.Site) ([]site.Place, error) { return d.dir.Places(ctx, s.ID) },
		func(places []site.Place) []site.Place { return append([]site.Place{}, places...) })
}

// SetPlaces replaces the places of a site.
func (d *Desk) SetPlaces(ctx context.Context, name string, places []site.Place) error {
	s, err := d.dir.Site(name)
	if err != nil {
		return err
	}
	return d.dir.SetPlaces(ctx, s.ID, places)
}

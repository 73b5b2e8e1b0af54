package operator

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"herald.example/internal/site"
)

// Operations is all that an operator can do. Sites are named by ID or name. Errors
// are those of the rooms site and publish.
type Operations interface {
	Sites
	Keys
	Secrets
	Users
	Identities
	Messages
	Places
}

// Sites makes and changes sites.
type Sites interface {
	Sites(ctx context.Context) ([]Site, error)
	Site(ctx context.Context, name string) (Site, error)
	// AddSite returns the first pair of keys, the API key and its secret in the clear,
	// this once. A secret that came with the draft is not returned.
	AddSite(ctx context.Context, draft site.SiteDraft) (Site, site.NewKeys, error)
	EditSite(ctx context.Context, name string, edit SiteEdit) (Site, error)
}

// Keys replaces keys.
type Keys interface {
	// RotateKeys gives a site a new pair and returns it in the clear, this once; the
	// pairs before stay good for grace.
	RotateKeys(ctx context.Context, name string, grace time.Duration) (Site, site.NewKeys, error)
	// RotateSeal seals everything under a new key, and says how many records that
	// were.
	RotateSeal(ctx context.Context) (int, error)
}

// Secrets replaces what clients of Gigya's dialect authenticate with.
type Secrets interface {
	// RotateSecret gives a site a new secret and returns it in the clear, this once. The
	// one before ends at once.
	RotateSecret(ctx context.Context, name string) (Site, site.Secret, error)
	// SetClientKeys gives a site the API key and the secret that its clients have already.
	// The ones before end at once. An API key of another site is site.ErrTaken.
	SetClientKeys(ctx context.Context, name string, keys site.ClientKeys) (Site, error)
	// AddUserKey gives a site a key for an application: with the public RSA key in a PEM
	// text, or without one with a secret, which is returned in the clear this once.
	AddUserKey(ctx context.Context, name, publicKey string) (UserKey, site.Secret, error)
	// ImportUserKey gives a site a user key that an application has already. One that the
	// site has, or that another site has with another secret or public key, is
	// site.ErrTaken.
	ImportUserKey(ctx context.Context, name string, draft site.UserKeyDraft) (UserKey, error)
	// PermitUserKey permits a site's key on another site, too, and returns that one with
	// the key. One that it has already is site.ErrTaken.
	PermitUserKey(ctx context.Context, name, key, on string) (Site, UserKey, error)
	// RemoveUserKey ends a key of an application on a site and returns the site without
	// it.
	RemoveUserKey(ctx context.Context, name, key string) (Site, error)
}

// Users makes and removes users of a site.
type Users interface {
	// AddUser makes a user. One with a UID that the site has already is site.ErrTaken.
	AddUser(ctx context.Context, site, uid string) (User, error)
	User(ctx context.Context, site, token string) (User, error)
	UserByUID(ctx context.Context, site, uid string) (User, error)
	Users(ctx context.Context, site string, q site.ListQuery) (Page[User], error)
	// SetUID gives a user another UID, or takes it away when uid is empty. One that
	// another user of the site has is site.ErrTaken.
	SetUID(ctx context.Context, site, token, uid string) (User, error)
	DeleteUser(ctx context.Context, site, token string) (User, error)
}

// Identities lets accounts arrive by hand, and removes them.
type Identities interface {
	Providers(ctx context.Context, site string) ([]Provider, error)
	// AddIdentity asks the network whose credentials these are. What it refuses is a
	// *publish.Error. No error shows the secrets of the draft.
	AddIdentity(ctx context.Context, site string, draft IdentityDraft) (Identity, error)
	Identities(ctx context.Context, site string, q site.ListQuery) (Page[Identity], error)
	DeleteIdentity(ctx context.Context, site, token string) (Identity, error)
}

// Messages shows what became of messages.
type Messages interface {
	Messages(ctx context.Context, site string, q site.ListQuery) (Page[Head], error)
	Message(ctx context.Context, site, token string) (Message, error)
}

// Places loads where users of a site can say they are.
type Places interface {
	Places(ctx context.Context, site string) ([]site.Place, error)
	// SetPlaces replaces the list; an empty one clears it. What site.CheckPlaces refuses
	// is site.ErrPlace, and leaves the list as it is.
	SetPlaces(ctx context.Context, site string, places []site.Place) error
}

// SiteEdit says what is to change about a site; nil fields stay.
type SiteEdit struct {
	Name      *string  `json:"name,omitempty"`
	Domain    *string  `json:"domain,omitempty"`             // empty: that of the data centre, else the shortener's default
	Redirect  *string  `json:"redirect,omitempty"`           // of links made from now on: 302 or js
	Simulated []string `json:"simulated_providers,omitzero"` // empty and not nil: none

	Gigya GigyaEdit `json:"gigya,omitzero"`
}

// GigyaEdit says what is to change about a site's settings for Gigya's dialect; nil
// fields stay.
type GigyaEdit struct {
	DataCentre *string  `json:"dataCenter,omitempty"`      // empty: any
	Trusted    []string `json:"trustedShareURLs,omitzero"` // empty and not nil: nothing may be shared
	ShortURLs  *string  `json:"shortURLs,omitempty"`       // empty: always
	CID        *string  `json:"cid,omitempty"`
	Providers  []string `json:"enabledProviders,omitzero"` // empty and not nil: all that are connected
	Cookies    *string  `json:"baseDomain,omitempty"`      // empty: the host that sets them
}

// IsZero says whether nothing is to change.
func (e GigyaEdit) IsZero() bool {
	return e.DataCentre == nil && e.Trusted == nil && e.ShortURLs == nil && e.CID == nil && e.Providers == nil && e.Cookies == nil
}

// check refuses texts that would not arrive as they are: JSON repairs invalid UTF-8
// without a word.
func (e GigyaEdit) check() error {
	texts := slices.Concat(e.Trusted, e.Providers)
	for _, text := range []*string{e.DataCentre, e.ShortURLs, e.CID, e.Cookies} {
		if text != nil {
			texts = append(texts, *text)
		}
	}
	for _, text := range texts {
		if !utf8.ValidString(text) {
			return fmt.Errorf("%w: %.80q is no line of text", site.ErrSetting, text)
		}
	}
	return nil
}

// apply changes g.
func (e GigyaEdit) apply(g *site.Gigya) {
	if e.DataCentre != nil {
		g.DataCentre = *e.DataCentre
	}
	if e.Trusted != nil {
		g.Trusted = e.Trusted
	}
	if e.ShortURLs != nil {
		g.ShortURLs = *e.ShortURLs
	}
	if e.CID != nil {
		g.CID = *e.CID
	}
	if e.Providers != nil {
		g.Providers = e.Providers
	}
	if e.Cookies != nil {
		g.CookieDomain = *e.Cookies
	}
}

// IdentityDraft is an account to arrive. What a network needs of it depends on the
// network.
type IdentityDraft struct {
	User     string      // token of the user who gets it; empty: the account's, or a new one
	Provider string      // key
	Server   string      // base URL, for networks of many servers
	Name     string      // of the account
	Access   site.Secret // bearer token
	Secret   site.Secret // app password, or token secret
}

// maxDraft is the longest text of a draft, in bytes.
const maxDraft = 16 << 10

// check refuses texts that no account has and that would not arrive as they are:
// JSON repairs invalid UTF-8 without a word.
func (d IdentityDraft) check() error {
	for _, f := range []struct{ name, text string }{
		{"user", d.User}, {"provider", d.Provider}, {"server", d.Server}, {"name", d.Name},
		{"access token", string(d.Access)}, {"secret", string(d.Secret)},
	} {
		switch {
		case len(f.text) > maxDraft:
			return fmt.Errorf("%w: its %s has %d bytes; at most %d are taken", site.ErrAccount, f.name, len(f.text), maxDraft)
		case !utf8.ValidString(f.text) || strings.ContainsFunc(f.text, unicode.IsControl):
			return fmt.Errorf("%w: its %s is no line of text", site.ErrAccount, f.name)
		}
	}
	return nil
}

package operator

import (
	"context"
	"fmt"
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
	Users
	Identities
	Messages
}

// Sites makes and changes sites.
type Sites interface {
	Sites(ctx context.Context) ([]Site, error)
	Site(ctx context.Context, name string) (Site, error)
	// AddSite returns the first pair of keys in the clear, this once.
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

// Users makes and removes users of a site.
type Users interface {
	AddUser(ctx context.Context, site string) (User, error)
	User(ctx context.Context, site, token string) (User, error)
	Users(ctx context.Context, site string, q site.ListQuery) (Page[User], error)
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

// SiteEdit says what is to change about a site; nil fields stay.
type SiteEdit struct {
	Name      *string  `json:"name,omitempty"`
	Domain    *string  `json:"domain,omitempty"`             // empty: the shortener's default
	Simulated []string `json:"simulated_providers,omitzero"` // empty and not nil: none
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

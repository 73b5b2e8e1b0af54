package site

import (
	"errors"
	"time"

	"herald.example/internal/link"
)

// Errors of this room.
var (
	// ErrNotFound is returned when a site, a user, an identity or a connection is
	// not there, or belongs to another site.
	ErrNotFound = errors.New("not found")
	// ErrTaken is returned when a site of that name or API key exists, when a user key is
	// there already, or when a UID is that of another user of the site.
	ErrTaken = errors.New("name is taken")
	// ErrName is returned when a name breaks the rules of CheckName.
	ErrName = errors.New("bad name")
	// ErrKeys is returned when a pair of keys does not open a site.
	ErrKeys = errors.New("wrong keys")
	// ErrPairs is returned when a site would have more pairs of keys than it may.
	ErrPairs = errors.New("too many pairs of keys")
	// ErrProvider is returned when the key of a provider is malformed or unknown.
	ErrProvider = errors.New("no such provider")
	// ErrAccount is returned when an account lacks what its network needs.
	ErrAccount = errors.New("bad account")
	// ErrOwned is returned when an account arrives for a user and belongs to another
	// user of the site.
	ErrOwned = errors.New("account belongs to another user")
	// ErrSetting is returned when a setting of a site is malformed.
	ErrSetting = errors.New("bad setting")
	// ErrUserKey is returned when a user key cannot be made: what is given is no public
	// RSA key, no name or no secret, or the site has as many as it may.
	ErrUserKey = errors.New("bad user key")
	// ErrUID is returned when a UID breaks the rules of CheckUID.
	ErrUID = errors.New("bad UID")
	// ErrLast is returned when a user would be left without the identities that they
	// are to keep one of.
	ErrLast = errors.New("last identity of the user")
	// ErrPlace is returned when a list of places breaks the rules of CheckPlaces.
	ErrPlace = errors.New("bad place")
	// ErrQuery is returned when there is no such page as a ListQuery asks for.
	ErrQuery = errors.New("bad query")
	// ErrSealed is returned when sealed bytes cannot be opened: the key is not in
	// the ring, or the bytes are not what was sealed for this record.
	ErrSealed = errors.New("cannot be unsealed")
)

// Site is a customer of this server.
type Site struct {
	ID      string // UUID; the Site of its links
	Name    string // unique; a DNS label, the first one of the site's API host name
	Created time.Time

	// Domain is where its short URLs live; empty: where those of its data centre do, or the
	// shortener's default.
	Domain string
	// Redirect is how its short URLs redirect that are made from now on.
	Redirect link.Method
	// Simulated are the keys of the providers that the simulated network stands
	// in for; "*" stands for all.
	Simulated []string

	Keys []KeyPair // the newest first; at least one

	Gigya Gigya // for clients of Gigya's dialect
}

// Simulates says whether the simulated network stands in for a provider.
func (s Site) Simulates(provider string) bool {
	if provider == Simulated {
		return true
	}
	for _, p := range s.Simulated {
		if p == provider || p == "*" {
			return true
		}
	}
	return false
}

// Simulated is the key of the simulated network itself.
const Simulated = "simulated"

// KeyPair opens a site. Public names it, Private proves the right to it.
type KeyPair struct {
	Public  string // UUID
	Private []byte // sealed; a UUID when opened
	Created time.Time
	Expires time.Time // zero: it does not; set when a newer pair replaced it
}

// NewKeys is what has just been made in the clear, for the one moment when it is
// shown: a pair, and with a new site its names and secret in Gigya's dialect.
type NewKeys struct {
	Public  string
	Private Secret

	APIKey string // empty when only a pair was made
	Secret Secret // base64; empty when it was brought
}

// Secret is text that must not be seen. It prints as "[secret]" in every way that
// fmt, log/slog and encoding/json know; string(s) is the text.
type Secret string

// String hides the text.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "[secret]"
}

// GoString hides the text from %#v.
func (s Secret) GoString() string { return `"` + s.String() + `"` }

// MarshalText hides the text. What must be written is converted to string first.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

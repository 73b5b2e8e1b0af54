package site

import "time"

// User is a person as a site knows them.
type User struct {
	Token     string // UUID
	UID       string // the site's own name of the user, unique in the site; empty: none
	Created   time.Time
	LastLogin time.Time
	Logins    int
}

// Person is a user with their identities, in the order of their creation.
type Person struct {
	User
	Identities []Identity
}

// Identity is a user's account on a network.
type Identity struct {
	Token    string // UUID
	User     string // token
	Provider string // the network's key
	Created  time.Time
	Updated  time.Time // when profile or credentials were last written

	Account Account
	Profile Profile
	// Broken says why the user must connect again; empty: nothing is known to be
	// wrong. It is cleared when new credentials are stored.
	Broken string
	// Sealed are the credentials, bound to site and token.
	Sealed []byte
}

// Account names an account on a network: what is needed to find it, without what
// is needed to act for it.
type Account struct {
	ID     string // the network's own, such as a DID; unique in a provider
	Name   string // as people write it, such as alice or alice@social.example
	Server string // base URL, for networks of many servers; else empty
	URL    string // of the profile; may be empty
}

// Profile is what a network tells of a person. Empty fields are not known.
type Profile struct {
	DisplayName string
	Username    string
	GivenName   string
	FamilyName  string
	About       string
	Location    string
	Picture     string // URL
	Email       string
	Languages   []string
}

// Credentials are what acts for an account. Its fields print as "[secret]".
type Credentials struct {
	Access  Secret            // bearer token
	Refresh Secret            // single use where the network rotates
	Secret  Secret            // token secret of OAuth 1.0a, or app password
	Expires time.Time         // of Access; zero: not known or never
	Scopes  []string          // granted; nil: not known
	Extra   map[string]Secret // what one network alone needs
}

// Opened is an identity with its credentials unsealed, as an adapter takes it. It
// lives in memory only.
type Opened struct {
	Site        string // ID
	Identity    string // token
	Provider    string
	Account     Account
	Credentials Credentials
}

// Connection is one arrival of a user by an identity: a login, or an import.
type Connection struct {
	Token    string // UUID
	User     string
	Identity string
	Created  time.Time
	Source   string // how it came to be: "import" or "operator"
	CID      string // context ID that reports count the arrival under; only Arrive takes it, it is not kept
}

// Login is an account that arrives with credentials. An account that the site
// knows already is the same identity, with new credentials.
type Login struct {
	User        string // token of the user who owns it; empty: the account's user, or a new one
	UID         string // of the user who owns it, for whom does not give User; made when there is none
	Provider    string
	Account     Account
	Profile     Profile
	Credentials Credentials
	Source      string // of the connection
	CID         string // context ID that reports count it under; may be empty
	Named       bool   // a user without a UID is given one
}

package site

import (
	"context"
	"time"
)

// Sites keeps the sites. Every write is one transaction that is on disk when the
// call returns.
type Sites interface {
	// PutSite writes a site, new or changed. Another site of the same name or API key,
	// or with the public key of one of its pairs, is ErrTaken.
	PutSite(ctx context.Context, s Site) error
	// Sites returns all sites in the order of creation. They are few: the directory
	// holds them in memory.
	Sites(ctx context.Context) ([]Site, error)
}

// Users keeps the users of sites. Unknown tokens and UIDs are ErrNotFound.
type Users interface {
	// PutUser writes a user, new or changed, and counts events, in one transaction.
	// Another user with the same UID is ErrTaken.
	PutUser(ctx context.Context, site string, u User, events ...Event) error
	// EditUser lets edit change a user, writes it and counts events, in one transaction.
	// The token stays. A UID that another user has is ErrTaken.
	EditUser(ctx context.Context, site, token string, edit func(*User) error, events ...Event) (User, error)
	User(ctx context.Context, site, token string) (Person, error)
	UserByUID(ctx context.Context, site, uid string) (Person, error)
	ListUsers(ctx context.Context, site string, q ListQuery, f UserFilter) (Page[Person], error)
	// DeleteUser removes a user and their identities, and returns what was there.
	DeleteUser(ctx context.Context, site, token string) (Person, error)
}

// Identities keeps the identities of sites. Unknown tokens are ErrNotFound.
type Identities interface {
	// Arrive writes, in one transaction, a user (new or changed), an identity of
	// theirs (new or changed) and the connection. When the site has an identity of
	// the same provider and account ID already, arrive is called with it and with its
	// user, else with nil and the user of the token that was given (nil when it is
	// empty, ErrNotFound when it is unknown); what it returns is written. It is called
	// in the transaction: it must be quick and may be called again. A UID that another
	// user has is ErrTaken.
	Arrive(ctx context.Context, site, user, provider, account string,
		arrive func(*User, *Identity) (User, Identity, Connection, error)) (User, Identity, Connection, error)
	Identity(ctx context.Context, site, token string) (Identity, error)
	ListIdentities(ctx context.Context, site string, q ListQuery) (Page[Identity], error)
	// EditIdentity lets edit change an identity and writes it. Token, provider and user
	// stay.
	EditIdentity(ctx context.Context, site, token string, edit func(*Identity) error) (Identity, error)
	// MoveIdentity gives an identity to another user. Unless it was theirs already, that
	// is counted as one of NewConnections, in the same transaction, at the time given.
	MoveIdentity(ctx context.Context, site, token, user string, at time.Time) (Identity, error)
	DeleteIdentity(ctx context.Context, site, token string) (Identity, error)
	// DeleteIdentities removes those that choose returns of all identities of a user, in
	// one transaction, and returns them; the user stays. Choose is called in the
	// transaction: it must be quick, and when it returns an error nothing is removed.
	DeleteIdentities(ctx context.Context, site, user string, choose func([]Identity) ([]Identity, error)) ([]Identity, error)
}

// Connections reads connections. Unknown tokens are ErrNotFound.
type Connections interface {
	Connection(ctx context.Context, site, token string) (Connection, error)
	ListConnections(ctx context.Context, site string, q ListQuery) (Page[Connection], error)
}

// Places keeps where users of sites can say they are.
type Places interface {
	// Places returns the places of a site in the order in which they were put. A site
	// for which none were put has none.
	Places(ctx context.Context, site string) ([]Place, error)
	// PutPlaces replaces the places of a site, in one transaction.
	PutPlaces(ctx context.Context, site string, places []Place) error
}

// Store is all that a Directory keeps. Its errors name the operation and its subject.
type Store interface {
	Sites
	Users
	Identities
	Connections
	Places
}

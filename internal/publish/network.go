package publish

import (
	"context"

	"herald.example/internal/publish/render"
	"herald.example/internal/site"
)

// Network is what every adapter offers. Its methods are safe for concurrent use.
// Errors are *Error; any other error counts as UnknownOutcome.
type Network interface {
	// Profile says what the account's network can take: limits, and what goes where.
	// It may ask the network, and remembers the answer.
	Profile(ctx context.Context, who site.Opened) (render.Profile, error)
	// Post makes one post. It does not repeat: what may be repeated, and when, is
	// decided by the outbox. A Post that is called again with the same key has the
	// same content.
	Post(ctx context.Context, who site.Opened, post render.Post) (Receipt, error)
}

// ActionNetwork is a Network that takes more of a user action, or a check-in, than of
// other messages: all that its API took when these were made.
type ActionNetwork interface {
	// ActionProfile is Profile for them.
	ActionProfile(ctx context.Context, who site.Opened) (render.Profile, error)
}

// Refresher is a Network whose credentials expire. One call at a time is made for
// an identity, and the pair that it returns is stored before it is used.
type Refresher interface {
	Refresh(ctx context.Context, who site.Opened) (site.Credentials, error)
}

// Finding is what a Finder found.
type Finding int

// The findings.
const (
	Uncertain Finding = iota // nobody can tell: the publication ends as Unknown
	Found                    // the post is there
	Absent                   // it is not there, and posting again makes no second one
)

// Finder is a Network that can settle an unknown outcome. An error leaves it open
// for a later try.
type Finder interface {
	Find(ctx context.Context, who site.Opened, post render.Post) (Receipt, Finding, error)
}

// Introducer is a Network that can say whose credentials these are: for imports,
// and to refresh a profile. Account may hold what is known, such as the server or
// a name; what it lacks is filled in. The credentials returned are the ones to
// keep.
type Introducer interface {
	Introduce(ctx context.Context, who site.Opened) (site.Account, site.Profile, site.Credentials, error)
}

// Networks finds the network behind a provider's key for a site. The error wraps
// site.ErrProvider when nobody knows the key; when the network is known and cannot
// be published to here, it is an *Error of kind Unsupported.
type Networks interface {
	Network(s site.Site, provider string) (Network, error)
	// Providers are all networks that this server knows, in the order of their keys.
	Providers(s site.Site) []Provider
}

// Provider describes a network.
type Provider struct {
	Key       string // lower-case word, such as mastodon
	Name      string // as people know it
	Available bool   // an adapter, or the simulated network, is there to publish
	Adapter   bool   // this server has an adapter for the network itself
	Simulated bool   // it is the simulated network, in its own name or in another's
	Server    bool   // accounts of it are on many servers: Account.Server is wanted
}

// Package contract holds what every network's adapter must do, as one test suite.
// It runs against the adapter with its strict double, and against the same adapter
// with a real server where one can be started. It is for tests only.
package contract

import (
	"net/http"
	"testing"
	"time"

	"herald.example/internal/publish"
	"herald.example/internal/site"
)

// World is an adapter with a server that has an account.
type World struct {
	Network publish.Network
	Who     site.Opened // Account as the adapter's Introduce returns it, with good credentials

	// Read returns a post as a stranger sees it: without credentials, or as another
	// account.
	Read func(t *testing.T, r publish.Receipt) Seen
	// Count is the number of posts that strangers see of the account.
	Count func(t *testing.T) int

	// Revoked returns the account with credentials that the server does not take any
	// more.
	Revoked func(t *testing.T) site.Opened
	// At returns the account as if its server were at base, which is
	// scheme://host:port.
	At func(base string) site.Opened

	// KeepsKeys says that the network makes one post of several with the same key.
	KeepsKeys bool
	// Markup says that the server takes marks in texts for HTML or Markdown, so that
	// readers do not see them.
	Markup bool
	// Missing is what Find says of a post that was never made.
	Missing publish.Finding
	// Public says that Find asks as a stranger, so credentials make no difference.
	Public bool

	// Faults make the server fail; nil for a real one, which is not asked to.
	Faults *Faults
	// Create is the call that makes a post, as Fault.Call has it.
	Create string
	// RateLimits are the forms in which the network says how long to wait.
	RateLimits []RateLimit
}

// Seen is a post as it is read.
type Seen struct {
	Text     string   // plain; short forms of URLs as they are shown
	URLs     []string // where its links lead
	Pictures int
}

// RateLimit is a form of saying how long to wait.
type RateLimit struct {
	Name   string
	Header http.Header
	Want   time.Duration // 0: it is not said
}

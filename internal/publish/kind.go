package publish

import (
	"fmt"
	"time"
)

// Kind says why a network did not take a post. It is a closed set; its words are
// stored.
type Kind string

// The kinds of refusals.
const (
	AuthExpired       Kind = "auth_expired"       // a refresh may help
	AuthRevoked       Kind = "auth_revoked"       // the user must connect again
	PermissionMissing Kind = "permission_missing" // scope, role or approval is missing
	AccountRestricted Kind = "account_restricted" // suspended, locked, captcha wanted
	RateLimited       Kind = "rate_limited"       // too fast; repeated after the wait
	QuotaExhausted    Kind = "quota_exhausted"    // nothing more for a long while
	Duplicate         Kind = "duplicate"          // the same content is there already
	SpamBlocked       Kind = "spam_blocked"       // judged automated
	ContentRejected   Kind = "content_rejected"   // against the network's rules
	TextInvalid       Kind = "text_invalid"       // too long, empty, bad characters
	MediaInvalid      Kind = "media_invalid"      // type, size or shape of a picture
	LinkInvalid       Kind = "link_invalid"       // not fetchable or not allowed
	TargetMissing     Kind = "target_missing"     // page, wall or identity is gone
	AppMisconfigured  Kind = "app_misconfigured"  // the operator must act
	Unsupported       Kind = "unsupported"        // this network cannot take this message
	Transient         Kind = "transient"          // nothing was made; repeated by itself
	UnknownOutcome    Kind = "unknown_outcome"    // sent, and no answer came
)

// Kinds are all kinds.
var Kinds = []Kind{AuthExpired, AuthRevoked, PermissionMissing, AccountRestricted, RateLimited, QuotaExhausted, Duplicate, SpamBlocked,
	ContentRejected, TextInvalid, MediaInvalid, LinkInvalid, TargetMissing, AppMisconfigured, Unsupported, Transient, UnknownOutcome}

// Refusal is why a network did not take a post, as it is kept and shown. It
// holds no secrets: adapters keep tokens out of Message.
type Refusal struct {
	Kind    Kind      `json:"kind"`
	Message string    `json:"message"`          // the network's words or ours, one line, at most MaxRefusal bytes
	Status  int       `json:"status,omitempty"` // of HTTP
	Code    string    `json:"code,omitempty"`   // the network's own, with subcode as "190/463"
	Trace   string    `json:"trace,omitempty"`  // what the network's support asks for
	At      time.Time `json:"at"`
}

// MaxRefusal bounds Refusal.Message, in bytes.
const MaxRefusal = 500

// Error is what adapters return when a post was not taken.
type Error struct {
	Kind    Kind
	Network string // provider key
	Message string // the network's words, without secrets
	Status  int    // of HTTP; 0: no answer
	Code    string
	Trace   string

	RetryAfter time.Duration // what the network asked for; 0: it did not say
	Landed     *Receipt      // set when the refusal proves that the post is there

	Err error // the cause; may be nil
}

// Error names network, kind and the network's words.
func (e *Error) Error() string {
	s := fmt.Sprintf("%s: %s", e.Network, e.Kind)
	if e.Status != 0 {
		s += fmt.Sprintf(" (status %d)", e.Status)
	}
	if e.Message != "" {
		s += ": " + e.Message
	} else if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Err }

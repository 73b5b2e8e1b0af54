package simulated

import (
	"time"

	"herald.example/internal/publish"
)

// moment says when a behaviour shows in the course of a request.
type moment int

const (
	unread  moment = iota // the connection closes before the request is read; nothing is made
	refusal               // the request is refused; nothing is made
	late                  // the post is made, and the answer takes time
	silent                // the post is made, and no answer comes
	broken                // the post is made, and the answer is an error of the server
	setting               // not by itself: it changes what the account can do
)

// behaviour is something that the network does on demand.
type behaviour struct {
	name    string
	aliases []string
	when    moment
	kind    publish.Kind  // of the error; empty: there is none
	wait    time.Duration // default of the time that it takes, or asks to wait
	most    time.Duration // longest time that may be asked for; 0: it takes none
	losable bool          // "lost" may stand behind it: the post is not made
	forms   bool          // the forms of rate limits may stand behind it
	about   string        // for people
}

// list is every behaviour, in the order in which people read of them.
var list = []*behaviour{
	{name: "auth_expired", aliases: []string{"expired"}, when: refusal, kind: publish.AuthExpired,
		about: "The token has expired. Said of an account, a refreshed token works again."},
	{name: "auth_revoked", aliases: []string{"revoked"}, when: refusal, kind: publish.AuthRevoked,
		about: "The user has removed the application, and must connect again."},
	{name: "permission_missing", when: refusal, kind: publish.PermissionMissing,
		about: "A scope or a role is missing, or the application was not approved."},
	{name: "account_restricted", when: refusal, kind: publish.AccountRestricted,
		about: "The account is suspended or locked, or a captcha is wanted."},
	{name: "rate_limited", when: refusal, kind: publish.RateLimited, wait: 30 * time.Second, most: maxLimit, forms: true,
		about: "Too many requests. The network says how long to wait, in its own way or in the one that stands behind “=”."},
	{name: "quota_exhausted", aliases: []string{"quota"}, when: refusal, kind: publish.QuotaExhausted,
		about: "The account may not post any more today."},
	{name: "duplicate", when: refusal, kind: publish.Duplicate,
		about: "The same text is there already, says the network, whether it is or not."},
	{name: "spam_blocked", when: refusal, kind: publish.SpamBlocked,
		about: "The request looks automated."},
	{name: "content_rejected", aliases: []string{"refused"}, when: refusal, kind: publish.ContentRejected,
		about: "The post is against the rules of the network."},
	{name: "text_invalid", when: refusal, kind: publish.TextInvalid,
		about: "The text is too long, or has characters that are not taken."},
	{name: "media_invalid", when: refusal, kind: publish.MediaInvalid,
		about: "The picture has a type, a size or a shape that is not taken."},
	{name: "link_invalid", when: refusal, kind: publish.LinkInvalid,
		about: "The link cannot be fetched, or is not allowed."},
	{name: "target_missing", when: refusal, kind: publish.TargetMissing,
		about: "The page or the wall is gone."},
	{name: "app_misconfigured", when: refusal, kind: publish.AppMisconfigured,
		about: "The application's own key or version is wrong; the operator must act."},
	{name: "unsupported", when: refusal, kind: publish.Unsupported,
		about: "The network cannot take such a message."},
	{name: "transient", when: refusal, kind: publish.Transient,
		about: "The network is out of order for a while, and says so before it made anything."},
	{name: "close", when: unread, kind: publish.Transient,
		about: "The connection closes before the request is read."},
	{name: "slow", when: late, kind: publish.UnknownOutcome, wait: 5 * time.Second, most: maxSlow,
		about: "The post is made, and the answer takes five seconds, or the time behind “=”. After 30 seconds nobody waits any more."},
	{name: "hang", when: silent, kind: publish.UnknownOutcome, losable: true,
		about: "The post is made, and no answer comes; after 30 seconds nobody waits any more. With “=lost” it is not made."},
	{name: "server_error", aliases: []string{"unknown_outcome"}, when: broken, kind: publish.UnknownOutcome, losable: true,
		about: "The post is made, and the answer is an error of the server. With “=lost” it is not made."},
	{name: "unique", when: setting, kind: publish.Duplicate,
		about: "A text that is among the newest 100 posts of the account is refused as a duplicate, as the real networks do."},
	{name: "expires", when: setting, wait: 2 * time.Hour, most: maxLimit,
		about: "Said of an account: its token lives two hours, or the time behind “=”, and comes with one to refresh it, which works once."},
}

// behaviours are the behaviours by name and alias.
var behaviours = func() map[string]*behaviour {
	m := make(map[string]*behaviour)
	for _, b := range list {
		m[b.name] = b
		for _, alias := range b.aliases {
			m[alias] = b
		}
	}
	return m
}()

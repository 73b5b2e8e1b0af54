// Package mastodon publishes to every server that speaks Mastodon's client API.
//
// An account's Server is the base URL of its server, its Name is alice@host. Its ID
// is made from the server's own ID of the account and the host that was asked, as
// 109@host: servers number accounts by themselves, and none may claim the account
// of another.
//
// The calls and their answers are those of https://docs.joinmastodon.org. Other
// servers differ from it in small ways; where an answer may be HTML or empty, the
// status alone decides.
package mastodon

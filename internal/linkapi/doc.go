// Package linkapi is the private wire between Herald's programs: the control
// interface of a shortener over HTTP, with its handler and its Go client side
// by side. A Client keeps every promise of the in-process service: the same
// methods, and errors for which errors.Is finds the same sentinels.
//
// The wire is that of control. Names are those of the public dialects where these
// have one (shorturl_token, short_url, original_url, num_referrals, date_creation,
// date_last_referral); dates are RFC 3339 in UTC, which the public dialects are
// not. An answer with counts says in "position" how many hits of the ledger it
// holds. In a path, the domain "-" stands for the default domain. A draft may say in
// "redirect" how its link redirects: "302", which is so without it, or "js", by a page
// that counts the visit and goes on with a script. A link keeps that for good, also
// when it is put again.
//
//	POST   /v1/links                            put a batch, all or nothing; idempotent for links with a slug
//	GET    /v1/links                            list, and how many in all: after, skip, limit, site, order=asc|desc
//	GET    /v1/links/{domain}/{slug}            one link with its totals
//	PATCH  /v1/links/{domain}/{slug}            edit target or state
//	DELETE /v1/links/{domain}/{slug}            delete; the slug is never issued again
//	GET    /v1/links/{domain}/{slug}/referrals  referrals in full: skip, limit, order=asc|desc
//	POST   /v1/totals                           totals of many links
//	POST   /v1/counts                           counts in a span of time, by a dimension
//	GET    /v1/changes                          the feed of changes: after, limit
//	GET    /v1/domains                          the domains served and the bases of their short URLs
//	POST   /v1/verify                           recount from the ledger; lines of progress, then the report
//	GET    /metrics                             Prometheus text
//	GET    /healthz, /readyz                    alive; able to count what it serves (no token wanted)
package linkapi

// Package oneall speaks OneAll's dialect over HTTP, so that OneAll's clients work
// unmodified: sharing messages, short URLs, users, identities, connections and
// providers. Analytics snapshots and the Push API are not offered.
//
// # What is promised
//
//   - Every answer is the envelope, also to unknown paths and methods, and when the
//     server fails; the one exception is /openapi.json, which describes the dialect.
//     Nothing is redirected, sent in chunks or compressed.
//   - Paths end in .json or .xml; the envelope comes in that format, and in JSON when
//     the path names none. Bodies of requests are JSON, whatever their Content-Type
//     says. Several slashes count as one; a path with a slash at its end is unknown.
//   - HEAD is answered as GET, without the body. Methods that a path does not offer,
//     OPTIONS among them, get 405 and the header Allow.
//   - A request that is refused has changed nothing.
//
// # Keys
//
// A site is found by its keys (HTTP Basic), never by the host alone. Where
// Options.BaseDomain is set and the host is NAME.api.BASE, then NAME must be a site
// (else 404, also before keys are looked at) and the keys must be that site's.
// GET /providers and PUT /users need no keys on such a host, as OneAll documents.
// An account is joined to a given user only with keys.
//
// Apps, which must not hold a private key, publish for a user with the publish_token
// that the user's details hold: header "Authorization: OneAllPublishToken KEY" at
// /users/T/publish. It is good for a day. The scheme OneAllNonce gets 401.
//
// Wrong keys are counted by peer (IPv6: by /64). Above the limit they get 429 in place
// of 401. Right keys pass always: looking at keys costs a few hashes, so the limit is
// there to slow guessing, and nobody behind a shared address is locked out by a
// neighbour. Other sites are not concerned.
//
// # Lists
//
// page= and entries_per_page= are served as OneAll documents them, at about the same
// cost everywhere in a list; only in lists of short URLs, and behind a cursor, each entry
// that is skipped costs a step of about 30 ns. Beside them there is a cursor: when more
// follows, pagination holds next_after, and the parameter after= with its value begins
// behind that entry at a cost that does not depend on where it is. current_page is then
// what page= says.
//
// # Publishing
//
// The header Idempotency-Key (1 to 255 visible ASCII characters) makes publishing
// repeatable for a day: the same key with the same request answers with the first
// message, with another request 409.
//
// The answer is 200 when all is published, 207 when something is published, under way
// or of unknown outcome, and 403 when everything was refused; then the message is
// kept, so that it can be published again, and the data say why. A publication under
// way has the status scheduled/202; one of unknown outcome unknown/202.
package oneall

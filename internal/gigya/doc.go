// Package gigya speaks Gigya's dialect over HTTP, so that its clients work unmodified:
// socialize.publishUserAction and its neighbours.
//
// # What is promised
//
//   - Every answer is the envelope, also to unknown methods and when the server fails.
//     Nothing is redirected, sent in chunks or compressed. The HTTP status is 200
//     unless httpStatusCodes is true: some clients lose the reply of any other.
//   - Methods are found by the path alone, in any case, on every host. A host that
//     names a data centre must not contradict the site's.
//   - Parameters come from the query and the body, in any case of their names. A name
//     in two spellings is refused; several values of one spelling are a list with
//     commas. An empty value is as good as none, but signed.
//   - format is json, jsonp or xml, and json when nothing is said, since real clients
//     say nothing and read JSON.
//   - A request that is refused has changed nothing, except that its nonce is used up
//     when its credentials were right, and that notifyLogin keeps the connections that
//     its reply names.
//   - What a reply says was done is on disk: the actions and logins that are counted,
//     and short URLs with what reports need of them.
//
// # Who calls
//
// Calls are signed with the secret of the site or of a userKey, or show that secret, an
// OAuth2 token, or a JWT of a userKey's RSA key. Client certificates are not taken, so
// a call with nothing but an API key is refused unless the method allows it. Every
// credential that a request shows must be right.
//
// Secrets and tokens are taken over TLS alone: ours, that of a proxy that is trusted
// (Options.Secure), or none for callers on this machine (Options.LoopbackSecrets).
// A token ends after an hour, with the secret that it was made with, and with the user
// whom it is for. A JWT may be 300 seconds old or ahead, a signature 120, unless
// Options.Window says otherwise.
//
// # Limits
//
// A request has at most 500 parameters of 256 KiB, and 1 MiB in its body and in its
// query each. JSON in a parameter has at most 64 KiB, 16 levels and 1000 members. There
// is room for 64 MiB of bodies up to 64 KiB, and for as much of larger ones; calls from
// one address, or from 64 bits of IPv6, have half of it. So it is with replies of more
// than 16 KiB, or with a context of more than 1 KiB, until they are sent. Who finds no
// room within two seconds is answered with 500001, and without that context.
//
// A report is of at most 400 days and 100,000 rows, and is made within a minute. One of a
// site is made at a time, and seven wait. A search for places finds the nearest 50, at
// most 500 km away and 10 km when nothing is said.
package gigya

// Package redirect is the hot path of Herald: host and slug to link to 302, or,
// for links that were made so, to a page whose script goes on to the target.
//
// A visitor's request takes one way through it: the path of the raw request
// target names the slug, the Host header names the domain, the bounded cache
// (or, behind it, the Store) answers with the link's target, the hit goes to
// the Ledger, and only then is the answer handed to fasthttp. Nothing else
// happens before the answer: no log line, no storage write, no lock across I/O,
// and on the cached path no allocation.
//
// What is promised:
//   - Location carries the stored bytes, every one of them and nothing else. A
//     page carries them escaped, in attributes, and allows no script but its own.
//   - A hit is in the Ledger before the first byte of its answer is written.
//   - A change that was committed before Forget returned is seen by every
//     request that starts later: a read that began earlier cannot bring the old
//     answer back into the cache.
//   - Memory and connections are bounded by settings, and no client can hold a
//     connection by being slow: see Options.RequestTimeout and IdleTimeout. That
//     holds over TLS, too, from the handshake to the goodbye.
//
// It is the only home of fasthttp.
package redirect

// Package bluesky publishes on Bluesky and every other server of the AT protocol:
// the account's own server (PDS), to which an app password opens sessions.
//
// What is promised:
//
//   - A post has a record key that is made from its key and its time, so the same
//     post sent twice is there once, and can be looked up exactly.
//   - A session is made from the app password only when there is none, or when its
//     refresh token has ended: never for a post. Servers allow 300 of them a day.
//   - Facets, which make links of parts of a text, select bytes of the very text
//     that is posted.
//
// What a server answers is not trusted: tokens, names and identifiers are checked
// before they are kept.
package bluesky

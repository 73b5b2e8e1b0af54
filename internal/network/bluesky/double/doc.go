// Package double is a strict stand-in for a Bluesky server (PDS), for tests. It has
// accounts, sessions, posts and blobs, refuses what a PDS 0.4 refuses in the same
// words, and gives posts back as strangers see them.
//
// It also fails the test on what no adapter of ours may do, and the PDS would let
// pass: a path, a query key or a member that it does not know, a secret in a URL,
// a facet that selects no whole characters of the text, a blob that is described
// otherwise than it was uploaded.
package double

// Package site knows who publishes: sites, which are the customers of a server,
// with their keys; the users of a site; and the identities of a user, which are
// accounts on networks, with sealed credentials.
//
// A site sees nothing of another one: every call names the site, and the token
// of another site's user is not found.
//
// Private keys and credentials are sealed at rest with XChaCha20-Poly1305 under a
// key from a file (see Ring). Sealed bytes are bound to the record that they
// belong to, so that nobody can move them to another. In memory they are held
// unsealed only where they are used, the secrets of Gigya's dialect always, because
// they check every request; they print as "[secret]".
//
// What a Directory has answered is on disk. The key of the ring can be replaced while
// everything runs (see Directory.Rotate); a crash at any point of that leaves all
// sealed bytes readable. Who loses the file of the ring loses them: it belongs into
// every backup, apart from the data.
package site

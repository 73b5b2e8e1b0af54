// Package operator is the operator's work on a sharing server: sites, users,
// identities and the ring that seals, and what became of messages. Desk does it in
// the server, and Client over the server's control interface; both are Operations,
// with the same answers, and errors for which errors.Is finds the same sentinels.
//
// The wire is that of control. Names are those of the public dialects where they
// have one; dates are RFC 3339 in UTC. SITE is a site's ID or its name.
//
//	GET    /v1/sites                          all sites
//	POST   /v1/sites                          add a site; keys that are made are in this answer alone
//	GET    /v1/sites/SITE                     one site with its public keys
//	PATCH  /v1/sites/SITE                     edit settings
//	POST   /v1/sites/SITE/keys                make a new pair of keys, in this answer alone
//	POST   /v1/sites/SITE/secret              make a new secret for Gigya's dialect, in this answer alone
//	PUT    /v1/sites/SITE/secret              set the API key and the secret that clients have already
//	POST   /v1/sites/SITE/userkeys            add a user key; a secret that is made is in this answer alone
//	POST   /v1/sites/SITE/userkeys/KEY        permit a user key on another site, too
//	DELETE /v1/sites/SITE/userkeys/KEY        remove a user key
//	GET    /v1/sites/SITE/providers           networks, and whether the site can publish to them
//	GET    /v1/sites/SITE/users               list: after, limit, order=asc|desc
//	POST   /v1/sites/SITE/users               add a user; no body is needed
//	GET    /v1/sites/SITE/users/TOKEN         one user with identities
//	GET    /v1/sites/SITE/uids?uid=UID        the same, by the site's own name of the user
//	PATCH  /v1/sites/SITE/users/TOKEN         give a user another UID, or none
//	DELETE /v1/sites/SITE/users/TOKEN         remove a user with their identities
//	GET    /v1/sites/SITE/identities          list
//	POST   /v1/sites/SITE/identities          let an account arrive; its network is asked first
//	DELETE /v1/sites/SITE/identities/TOKEN    remove an identity
//	GET    /v1/sites/SITE/messages            list, the newest first
//	GET    /v1/sites/SITE/messages/TOKEN      a message with the state of each publication
//	GET    /v1/sites/SITE/places              where users can say they are
//	PUT    /v1/sites/SITE/places              replace that list; the answer does not repeat it
//	POST   /v1/seal/rotate                    seal everything under a new key
//
// Private keys and secrets leave the server in the answers named above; credentials
// never do.
package operator

package boltstore

// The format of sharing.db. Sites and tokens are UUIDs, 16 bytes. Integers in
// keys are big-endian, uint64 unless said; in values they are varints
// (encoding/binary) unless said. A text is its length (uvarint) and its bytes.
// Dates are Unix times in milliseconds, as varints; in keys they are shifted by
// 2^63, so that they sort. Every record starts with its version.
//
//	meta          "format"                     version (uint32), then the text "sharing"
//	              "bases"                      1, JSON: the last known bases of short URLs
//	              "waiting"                    entries of outbox (uint64)
//	              "trial"                      bytes of no meaning, after a commit that failed
//
//	sites         sequence                     1, JSON: a site
//
//	tokens        shelf (byte), token          site, sequence
//	sums          site, shelf (byte)           entries of the site on the shelf (uint64)
//	              site, shelf (byte),          the same, of these sequences alone (uint64)
//	              sequence / 1024 + 1
//
//	heads         site, sequence               1, token, created, last published, rounds (uvarint),
//	                                           number of publications (uvarint);
//	                                           2, the same, share (byte; 1: a status or a check-in), context ID (text)
//	bodies        site, sequence               1, JSON: the parts of a message
//	uploads       site, sequence,              1, the bytes
//	              index (uint32)
//	publications  site, sequence,              1, flags (byte), round (uvarint), state, provider, user, identity (texts),
//	              number (uint32)              created, sent, due, tries (varint), number of links (uvarint), links,
//	                                           receipt: ID, URL, note (texts), date;
//	                                           if flag 2 is set: kind, message, status (varint), code, trace, date
//	outbox        due, site, sequence,         token of the message
//	              number (uint32)
//	keys          site, key (32 bytes)         1, fingerprint (32 bytes), date, sequence (uvarint), round (uvarint)
//	keytimes      date, site, key (32 bytes)   nothing
//	recent        date, SHA-256 of site and    1, sequence (uvarint), number (uvarint) of a publication
//	              digest (32 bytes)
//
//	users         site, sequence               2, token, created, last login, logins (varint), UID (text);
//	                                           1, the same without the UID
//	uids          site, UID                    sequence of the user
//	identities    site, sequence               1, JSON: an identity
//	accounts      site, SHA-256 of the account sequence of the identity
//	owned         site, user, sequence of the  nothing
//	              identity
//	connections   site, sequence               1, token, created, user, identity, source (texts)
//
//	noncetimes    date, SHA-256 of the nonce   nothing
//
//	cids          site, context ID             nothing
//	tallies       site, day (uint32), measure  how often (uint64)
//	              (byte), context ID, provider
//	              (texts)
//	channels      site, context ID, provider   number
//	              (texts)
//	channellinks  site, number of the channel, nothing
//	              created, domain, slug (texts)
//
//	places        site                         1, JSON: the places that a site has loaded
//
// A link of a publication is a flag (byte; 1: deleted), domain, slug, target
// (texts), created. Flag 1 of a publication says that its links are with the
// shortener, flag 4 that it is brief.
//
// A shelf is one of the buckets that are listed in the order of creation: heads
// (shelf m), users (u), identities (i) and connections (c). A sequence is the
// bucket's, which bbolt stores, so it is unique in the file and rises with
// creation; the site in front keeps sites apart. The record of a head is small,
// so that a listing passes many of them quickly; what is needed only for one
// message is in bodies.
//
// The account of an identity is hashed as the text of the provider, then the bytes
// of the network's ID, so that the key has a bound whatever networks call
// themselves and their people.
//
// A key of keys is known for a day after its date; it may outlive its message,
// whose sequence then is in no head. keytimes lists the keys by age.
//
// A nonce is hashed as the text of its scope, then its bytes. noncetimes lists the
// nonces by the date until which they are known.
//
// recent lists the publications that had a content last, by when they were accepted. An
// entry may outlive its publication.
//
// A head of version 2 is that of a message with a Share. A day is counted from 1970. cids
// are the context IDs of a site that its reports tell apart. A channel is a context ID
// with a provider, and channellinks has the links that were shared there; they outlive
// their message.
//
// The buckets in added are younger than the version of the file: they are made when they
// are not there.
const (
	sharingVersion = 1
	userVersion    = 2
	headVersion    = 2
)

// sharingKind is what sharing.db says that it holds.
var sharingKind = kind{name: "sharing", version: 1, buckets: append([][]byte{
	sharingSites, tokensBucket, sumsBucket,
	headsBucket, bodiesBucket, uploadsBucket, publicationsBucket, outboxBucket, keysBucket, keyTimesBucket,
	usersBucket, identitiesBucket, accountsBucket, ownedBucket, connectionsBucket,
}, sharingAdded...), added: sharingAdded}

// sharingAdded are the buckets that came after the version of the file.
var sharingAdded = [][]byte{
	uidsBucket, nonceTimesBucket, recentBucket, cidsBucket, talliesBucket, channelsBucket, channelLinksBucket, placesBucket,
}

// The buckets beside meta, and the keys in meta.
var (
	sharingSites       = []byte("sites")
	tokensBucket       = []byte("tokens")
	sumsBucket         = []byte("sums")
	headsBucket        = []byte("heads")
	bodiesBucket       = []byte("bodies")
	uploadsBucket      = []byte("uploads")
	publicationsBucket = []byte("publications")
	outboxBucket       = []byte("outbox")
	keysBucket         = []byte("keys")
	keyTimesBucket     = []byte("keytimes")
	usersBucket        = []byte("users")
	identitiesBucket   = []byte("identities")
	accountsBucket     = []byte("accounts")
	ownedBucket        = []byte("owned")
	connectionsBucket  = []byte("connections")
	uidsBucket         = []byte("uids")
	nonceTimesBucket   = []byte("noncetimes")
	recentBucket       = []byte("recent")
	cidsBucket         = []byte("cids")
	talliesBucket      = []byte("tallies")
	channelsBucket     = []byte("channels")
	channelLinksBucket = []byte("channellinks")
	placesBucket       = []byte("places")

	basesKey   = []byte("bases")
	waitingKey = []byte("waiting")
	trialKey   = []byte("trial")
)

// Package simulated is a network that is none: it stands in for any other one, so
// that publishing, previews, clicks and reports can be tried without accounts, and
// without telling the world.
//
// Posts are kept in a Store and shown on pages as their readers would see them.
// Under a provider's key the network behaves as that provider does: it takes and
// refuses the same texts, makes one post or two of a request that comes twice, lets
// an unknown outcome be settled or not, and sends the provider's fetcher of link
// previews at the short URLs of a post.
//
// # Accounts
//
// Every access token is somebody's. A token of up to 16 characters, such as demo,
// is the name of its account; for a longer one a name is made from its hash. A
// password of an application, Credentials.Secret, is as good.
//
// # Failures on demand
//
// Whatever real networks do wrong, this one does when it is told to, by a directive
// in the text or the link's name and description (for this post), or in the
// account's name or access token (for all posts of the account):
//
//	#simulate:NAME            each time
//	#simulate:NAME*2          two times, then no more
//	#simulate:NAME=ARGUMENT   with more to say, such as #simulate:slow=3s
//
// Several are done one after the other: "#simulate:transient*2
// #simulate:rate_limited=iso,2s*1" fails three times. Calls are counted for each
// publication, for directives of an account all calls of it, since the process
// started. A directive that cannot be understood is refused with a word on why.
//
// The names are the kinds of publish.Kind (auth_expired, rate_limited …), with
// expired, revoked, refused, quota as short forms, and
//
//	close          the connection closes before the request is read
//	slow=TIME      the post is made, and the answer takes its time: 5 s, at most 2 min
//	hang           the post is made, and no answer comes; the call waits 30 s for one
//	server_error   the post is made, and the answer is an error of the server
//	unique         a text that is among the newest 100 of the account is a duplicate
//	expires=TIME   of accounts: tokens live so long, and come with one to refresh them
//
// hang=lost and server_error=lost do not make the post. rate_limited takes a time to
// wait (30 s), and one of the forms in which networks say it: seconds and date
// (Retry-After), iso, unix, left and after (headers of a reset), usage (Facebook's
// JSON), body (Telegram's JSON) and none.
package simulated

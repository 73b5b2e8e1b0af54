package simulated

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// rules are what the network does as the one that it stands in for.
type rules struct {
	// keyed says that a post with a key that was used is the first one again.
	keyed bool
	// feed says that an account can read back what it posted.
	feed bool
	// limit is the form of rate limits; empty: seconds.
	limit string
	// agent is that of the fetcher of link previews; empty: the network has none, or
	// nobody knows its name.
	agent string
	// id is what the network calls its post of a number by an account; nil: the number.
	id func(account string, number uint64) string
}

// ruleBook are the rules by provider, as the networks document them and people's
// reports have them, with the agents of their fetchers.
var ruleBook = map[string]rules{
	"simulated": {keyed: true, agent: "HeraldSimulated/1.0 (link preview)"},
	"bluesky":   {keyed: true, limit: "unix", agent: "Mozilla/5.0 (compatible; Bluesky Cardyb/1.1; mailto:support@bsky.app)", id: blueskyID},
	"mastodon":  {keyed: true, limit: "iso", agent: "http.rb/5.1.1 (Mastodon/4.2.0; +https://social.example/) Bot", id: longID},
	"nostr":     {keyed: true, id: nostrID},
	"vkontakte": {keyed: true, limit: "none", agent: "Mozilla/5.0 (compatible; vkShare; +http://vk.com/dev/Share)"},
	"facebook":  {feed: true, limit: "usage", agent: "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", id: facebookID},
	"linkedin":  {limit: "none", agent: "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)", id: linkedinID},
	"sina":      {feed: true, limit: "none", id: longID},
	"threads":   {feed: true, limit: "usage", agent: "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", id: longID},
	"twitter":   {feed: true, limit: "unix", agent: "Twitterbot/1.0", id: longID},
	"discord":   {limit: "after", agent: "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)", id: longID},
	"pinterest": {agent: "Mozilla/5.0 (compatible; Pinterestbot/1.0; +http://www.pinterest.com/bot.html)", id: longID},
	"reddit":    {limit: "left", agent: "Mozilla/5.0 (compatible; redditbot/1.0; +http://www.reddit.com/feedback)"},
	"telegram":  {limit: "body", agent: "TelegramBot (like TwitterBot)"},
	"tumblr":    {agent: "Tumblr/14.0.835.186", id: longID},
}

// hash is a fixed number of 64 bits for a text.
func hash(text string) uint64 {
	sum := sha256.Sum256([]byte(text))
	return binary.BigEndian.Uint64(sum[:])
}

// longID is more than 2^53, as the IDs of many networks are: whoever takes it for
// a number of JavaScript loses its end.
func longID(_ string, number uint64) string {
	return strconv.FormatUint(1_800_000_000_000_000_000+number, 10)
}

func facebookID(account string, number uint64) string {
	return fmt.Sprintf("%d_%d", 100_000_000_000_000+hash(account)%900_000_000_000_000, number)
}

func linkedinID(_ string, number uint64) string {
	return fmt.Sprintf("urn:li:share:%d", 7_000_000_000_000_000_000+number)
}

func blueskyID(account string, number uint64) string {
	sum := sha256.Sum256([]byte(account))
	did := strings.ToLower(base32.StdEncoding.EncodeToString(sum[:15]))
	key := strings.ToLower(base32.StdEncoding.EncodeToString(binary.BigEndian.AppendUint64(nil, number)))
	return fmt.Sprintf("at://did:plc:%s/app.bsky.feed.post/%s", did, key[:13])
}

func nostrID(account string, number uint64) string {
	return fmt.Sprintf("%x", sha256.Sum256(binary.BigEndian.AppendUint64([]byte(account), number)))
}

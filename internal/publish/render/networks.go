package render

import "math"

// whole is the limit of words that are shown as they are.
var whole = Limit{math.MaxInt, CodePoints}

// profiles are the networks by their provider keys, and their other modes behind a
// slash. The numbers come from the networks' documents ("doc"), from public code and
// threads ("seen"), from running servers ("ran"), or are general knowledge
// ("said"). Where a source says just "characters", UTF-16 units are taken: no other
// reading counts more but bytes.
var profiles = map[string]Profile{
	// 63,206 seen. Words and picture of a link are for owners of its domain, doc. 10 pictures said.
	"facebook": {
		Network: "Facebook", Text: Limits{{63_206, UTF16}},
		Place: Attached, Pictures: 10, Videos: 1, Beside: LinkFirst,
	},
	// The contract of 2011 to 2018: message link picture name caption description source,
	// actions and place, doc.
	"facebook/legacy": {
		Network: "Facebook", Text: Limits{{63_206, UTF16}},
		Place: Attached, Name: whole, Caption: whole, Description: whole, Pictures: 1, Videos: 1, Beside: Preview,
		Below: Limit{25, CodePoints}, Located: true,
	},
	// twitter-text 3.1, ran. 4 pictures or 1 video, doc.
	"twitter": {
		Network: "X", Text: Limits{{280, Weighted}}, URLCost: 23, Domains: true,
		Pictures: 4, Videos: 1, Located: true,
	},
	// A URL cost 19, 20, 22 and 23 over the years, seen; the dearest is taken.
	"twitter/2011": {
		Network: "Twitter", Text: Limits{{140, CodePoints}}, URLCost: 23, Domains: true,
		Pictures: 4, Videos: 1, Located: true,
	},
	// Text 3,000 seen; title 400 and description 4,086 said. The picture is the article's thumbnail.
	"linkedin": {
		Network: "LinkedIn", Text: Limits{{3_000, UTF16}}, Escape: `\|{}@[]()<>#*_~`,
		Place: Attached, Name: Limit{400, UTF16}, Description: Limit{4_086, UTF16}, Pictures: 20, Videos: 1, Beside: Preview,
	},
	// Until 2018; "characters (bytes)", doc.
	"linkedin/v1": {
		Network: "LinkedIn", Text: Limits{{700, Bytes}},
		Place: Attached, Name: Limit{200, Bytes}, Description: Limit{256, Bytes}, Pictures: 1, Beside: Preview,
	},
	// Not published: 2,048 is where others cut, seen. One link, doc; ten attachments, said.
	"vkontakte": {
		Network: "VK", Text: Limits{{2_048, UTF16}},
		Place: Attached, Name: whole, Pictures: 9, Videos: 1, Mixed: true,
	},
	// 140 and the duty to have a URL, doc; 10 for a URL, said.
	"sina": {
		Network: "Sina Weibo", Text: Limits{{140, HalfWidths}}, URLCost: 10, NoTopic: true, NeedURL: true,
		Pictures: 1,
	},
	// Message 200 said; title 30, subtitle 20, description 200 doc.
	"renren": {
		Network: "Renren", Text: Limits{{200, CodePoints}},
		Place: Attached, Name: Limit{30, CodePoints}, Caption: Limit{20, CodePoints}, Description: Limit{200, CodePoints}, Pictures: 1, Beside: Preview,
	},
	"mastodon": Mastodon(0, 0, 0),
	// 300 and 3,000 ran; 4 images in one embed, and one embed, doc. A picture beside a link is its thumb.
	"bluesky": {
		Network: "Bluesky", Text: Limits{{300, Graphemes}, {3_000, Bytes}}, Short: true,
		Place: Attached, Name: Limit{300, Graphemes}, Description: Limit{1_000, Graphemes}, Pictures: 4, Videos: 1, Beside: Preview,
	},
	// 500, emoji as their bytes, and 5 links, doc; links are attached to posts of text only, and 20 pictures, said.
	"threads": {
		Network: "Threads", Text: Limits{{500, EmojiBytes}, {5, URLCount}},
		Place: Attached, Pictures: 20, Videos: 1, Beside: OneOf,
	},
	// 4,096, captions 1,024 and groups of 10, said.
	"telegram": {
		Network: "Telegram", Text: Limits{{4_096, UTF16}}, MediaText: Limits{{1_024, UTF16}},
		Pictures: 10, Videos: 1, Mixed: true,
	},
	// Content 2,000; the title 256 and the description 4,096 of an embed, doc. 10 files, said.
	"discord": {
		Network: "Discord", Text: Limits{{2_000, UTF16}},
		Place: Attached, Name: Limit{256, UTF16}, Description: Limit{4_096, UTF16}, Pictures: 10, Videos: 1, Mixed: true,
	},
	// 4,096 code points in a block of text, doc; a link is a block of its own, and the page is read by Tumblr.
	"tumblr": {
		Network: "Tumblr", Text: Limits{{4_096, CodePoints}},
		Place: Attached, Pictures: 10, Videos: 1, Mixed: true,
	},
	// The text is the pin's description, 800; the link's name is its title, 100, doc.
	"pinterest": {
		Network: "Pinterest", Text: Limits{{800, UTF16}},
		Place: Attached, Name: Limit{100, UTF16}, Pictures: 1, NeedPicture: true,
	},
	// The text is the title, 300, said: a link's submission has no other text.
	"reddit": {
		Network: "Reddit", Text: Limits{{300, UTF16}},
		Place: Attached,
	},
	// The protocol has no limit, doc; pictures are shown by their URLs only.
	"nostr": {Network: "Nostr"},
	// It takes everything.
	"simulated": {
		Network: "the simulated network",
		Place:   Attached, Name: whole, Caption: whole, Description: whole, Pictures: math.MaxInt, Videos: math.MaxInt, Mixed: true,
		Below: whole, Located: true,
	},
}

// For returns the profile of a provider's key; false when nothing is known of it.
// Former contracts of a network have keys of their own: facebook/legacy,
// twitter/2011, linkedin/v1.
func For(provider string) (Profile, bool) {
	p, ok := profiles[provider]
	return p, ok
}

// Mastodon is the profile of one server that speaks Mastodon's API: its limit in
// characters, what each URL costs, and how many files a post may have. Numbers that
// are not positive stand for Mastodon's own: 500, 23 and 4.
func Mastodon(characters, urlCost, media int) Profile {
	or := func(n, otherwise int) int {
		if n > 0 {
			return n
		}
		return otherwise
	}
	return Profile{
		// Mastodon counts graphemes, others code points, which are never fewer.
		Network: "Mastodon", Text: Limits{{or(characters, 500), CodePoints}}, URLCost: or(urlCost, 23), Local: true,
		Pictures: or(media, 4), Videos: 1,
	}
}

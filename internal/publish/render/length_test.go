package render

import (
	"strings"
	"testing"
	"unicode"

	"github.com/rivo/uniseg"
)

// TestLengthOnX has the vectors that ran against twitter-text 3.1.
func TestLengthOnX(t *testing.T) {
	p := known(t, "twitter")
	for _, test := range []struct {
		text string
		want int
	}{
		{"", 0},
		{"Hello, world! 👋", 16},
		{"https://example.com", 23},
		{"https://example.com.", 24},
		{"see http://a.co and example.org/x", 55},
		{"日本語", 6},
		{"👨‍👩‍👧‍👦", 2},
		{"👍🏽", 2},
		{"🇫🇷", 2},
		{"1️⃣", 2},
		{"❤", 2},
		{"cafe\u0301", 4},
		{"…", 2},
		{"—", 1},
		{"“", 1},
		{"€", 2},
		{"™", 2},
		{"Ж", 1},
		{"ก", 1},
		{"한", 2},
		{"あ", 2},
		{"\u200d", 1},
		{"http://localhost:8080/x", 23},
		{"http://127.0.0.1:8080/aB3", 25},
		{"http://[::1]:8080/aB3", 21},
		{"example.test/abc", 16},
		{"http://example.test/abc", 23},
		{"oal.lu/8WEtk", 23},

		// What follows from the rules of section 5.3.
		{"HTTPS://EXAMPLE.COM", 23},
		{"oal.lu", 23},
		{"EXAMPLE.ORG", 23},
		{"example.co.uk:8080/x?y=z#w", 23},
		{"example.org?q", 23},
		{"example.ck", 23},
		{"(example.org/a_(b))", 25},
		{"example.org.qqq", 27},
		{"a.com..b.com", 30},
		{".example.org", 12},
		{"-example.org", 12},
		{"@example.org", 12},
		{"#example.org", 12},
		{"name@example.org", 16},
		{"example.org@name", 16},
		{"1.5, e.g. this", 14},
		{"http://example.com/日本", 27},
		{"http://日本.example/x", 23},
		{"xhttp://example.com", 19},
		{"http://example.com/" + strings.Repeat("x", 4077), 23},
		{"http://example.com/" + strings.Repeat("x", 4078), 4097},
		{"❤️", 2},
		{"❤︎", 4},
		{"日\ufe0f", 4},
		{"©", 1},
		{"©\ufe0f", 2},
		{"1\ufe0f", 3},
		{"1\u20e3", 2},
		{"👩🏽‍❤️‍💋‍👨🏿", 2},
		{"🏴󠁧󠁢󠁥󠁮󠁧󠁿", 2},
		{"🏴\U000e0067", 4},
		{"👍‍👍", 5},
		{"🐶🏽", 4},
		{"👍🏽🏽", 4},
		{"🇫🇷🇫", 4},
		{strings.Repeat("👩\u200d", 100) + "👩", 77}, // at most four become one
	} {
		if got, limit := Length(p, test.text); got != test.want || limit != 280 {
			t.Errorf("Length(%.60q): got %d of %d; want %d of 280", test.text, got, limit, test.want)
		}
	}
}

func TestLength(t *testing.T) {
	for _, test := range []struct {
		name     string
		provider string
		text     string
		used     int
		limit    int
	}{
		{"halves are rounded up", "sina", "abc", 2, 140},
		{"Chinese", "sina", "新浪微博", 4, 140},
		{"Chinese and ASCII", "sina", "新浪 weibo", 5, 140},
		{"emoji on Weibo", "sina", "👋", 2, 140},
		{"URL on Weibo", "sina", "http://example.com/a/long/path", 10, 140},
		{"emoji as bytes", "threads", "Hi 👋", 7, 500},
		{"family as bytes", "threads", "👨‍👩‍👧‍👦", 25, 500},
		{"flag as bytes", "threads", "🇫🇷", 8, 500},
		{"keycap as bytes", "threads", "1️⃣", 7, 500},
		{"no emoji", "threads", "日本語…", 4, 500},
		{"six links", "threads", "http://a.co http://b.co http://c.co http://d.co http://e.co http://f.co", 6, 5},
		{"UTF-16", "telegram", "a👋b", 4, 4096},
		{"code points", "tumblr", "👨‍👩‍👧‍👦", 7, 4096},
		{"graphemes", "bluesky", "👨‍👩‍👧‍👦e\u0301日", 3, 300},
		{"bytes are nearer", "bluesky", strings.Repeat("👨‍👩‍👧‍👦", 100), 2500, 3000},
		{"reserved for URLs", "mastodon", "http://a.co https://example.com/" + strings.Repeat("x", 100), 47, 500},
		{"address is no URL", "mastodon", "http://127.0.0.1/x", 18, 500},
		{"server of a mention is free", "mastodon", "Hi @name@a.very.long.example!", 9, 500},
		{"mention without server", "mastodon", "Hi @name!", 9, 500},
		{"mail address", "mastodon", "name@example.com", 16, 500},
		{"bytes", "linkedin/v1", "日本語", 9, 700},
		{"2011", "twitter/2011", "日本語 http://example.com/a/long/path", 27, 140},
		{"no limit", "nostr", "日本語", 3, 0},
		{"NFC first", "tumblr", "cafe\u0301", 4, 4096},
	} {
		t.Run(test.name, func(t *testing.T) {
			used, limit := Length(known(t, test.provider), test.text)
			if used != test.used || limit != test.limit {
				t.Errorf("got %d of %d; want %d of %d", used, limit, test.used, test.limit)
			}
		})
	}
}

func TestFits(t *testing.T) {
	for _, test := range []struct {
		name     string
		provider string
		text     string
		want     bool
	}{
		{"longest", "twitter", strings.Repeat("x", 280), true},
		{"one more", "twitter", strings.Repeat("x", 281), false},
		{"no character", "twitter", "a\ufffeb", false},
		{"byte order mark", "twitter", "a\ufeffb", false},
		{"control character", "twitter", "a\x00b", false},
		{"lines", "twitter", "a\n\nb", true},
		{"carriage return", "twitter", "a\r\nb", false},
		{"invalid UTF-8", "twitter", "a\xffb", false},
		{"300 graphemes", "bluesky", strings.Repeat("é", 300), true},
		{"301 graphemes", "bluesky", strings.Repeat("é", 301), false},
		{"bytes decide", "bluesky", strings.Repeat("👨‍👩‍👧‍👦", 121), false},
		{"140 wide", "sina", strings.Repeat("微", 140), true},
		{"140 wide and a half", "sina", strings.Repeat("微", 140) + "x", false},
		{"5 links", "threads", strings.Repeat("http://a.co ", 5), true},
		{"6 links", "threads", strings.Repeat("http://a.co ", 6), false},
		{"no limit", "simulated", strings.Repeat("x", 1<<20), true},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := Fits(known(t, test.provider), test.text); got != test.want {
				t.Errorf("got %v; want %v", got, test.want)
			}
		})
	}
}

// TestPictographs holds our table against the one that clusters are made with: only
// pictographs stay together around a joiner.
func TestPictographs(t *testing.T) {
	for r := rune(0x21); r < 0x20000; r++ { // none are behind
		if 0xd800 <= r && r <= 0xdfff {
			continue
		}
		together := uniseg.GraphemeClusterCount(string(r)+"\u200d⌚") == 1
		if got := unicode.Is(pictographs, r); got != together && !unicode.Is(unicode.Cf, r) {
			t.Fatalf("%U: got pictograph %v; want %v", r, got, together)
		}
	}
	for _, r := range joined {
		if !unicode.Is(pictographs, r) {
			t.Errorf("%U stands behind a joiner; want a pictograph", r)
		}
	}
}

// known is the profile of a provider that must be known.
func known(t testing.TB, provider string) Profile {
	t.Helper()
	p, ok := For(provider)
	if !ok {
		t.Fatalf("no profile for %q", provider)
	}
	return p
}

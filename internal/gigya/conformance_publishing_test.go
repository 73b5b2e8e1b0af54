package gigya

import (
	"fmt"
	"strings"
	"time"

	"herald.example/internal/publish"
)

// publishingItems are the items of the contract's section 18 about what is published.
var publishingItems = []conformant{
	{"18_09_one_success_one_failure", func(c *conversation) {
		c.connect("user-42", "linkedin#simulate:permission_missing", "vkontakte")
		c.send("LinkedIn refuses", c.act("user-42", hello), posted(1)).entries("linkedin 403022", "vkontakte 0")
	}},
	{"18_10_all_failed", allFailed},
	{"18_11_nothing_in_scope", func(c *conversation) {
		c.connect("user-1", "orkut", "qq")
		c.lonely("user-2")
		c.send("unsupported providers only", c.act("user-1", hello), faulted(codeUnsupported)).entries()
		c.send("no connection", c.act("user-2", hello), faulted(codeUnconnected)).entries()
	}},
	{"18_12_twitter_text", func(c *conversation) {
		c.connect("user-42", "twitter")
		o := c.send("an action with everything", c.act("user-42", gardens), posted(1)).shows("Ten quiet gardens http://"+shortDomain+"/", "Worth")
		if p := o.posts[0]; p.Link != nil || len(p.Media) != 0 || p.Below != nil || !strings.HasPrefix(p.Text, "Ten quiet gardens http") {
			c.Errorf("got %+v; want a title and a link alone", p)
		}
		c.send("a title alone", c.act("user-42", `{"title":"Hello","userMessage":"Worth reading"}`), posted(1)).shows(`: "Hello"`, "Worth")
		c.send("a link alone", c.act("user-42", `{"linkBack":"https://www.example.com/1","userMessage":"Worth reading"}`), posted(1)).shows(`: "http://`+shortDomain, "Worth")
		c.send("an action for Twitter", c.act("user-42", gardens, "twitterUserAction", `{"title":"Gardens","userMessage":"Worth reading"}`), posted(1)).shows(`: "Gardens"`, "Worth")
		long := c.send("a title that is too long: the link stays whole", c.act("user-42", `{"title":"`+strings.Repeat("gardens ", 50)+`","linkBack":"https://www.example.com/2"}`, "shortURLs", "never"), posted(1))
		long.shows(` https://www.example.com/2"`, strings.Repeat("gardens ", 50))
		c.send("a message alone", c.act("user-42", `{"userMessage":"Worth reading"}`), faulted(codeUnsupported)).entries("twitter 400096")
	}},
	{"18_13_short_urls", func(c *conversation) {
		c.connect("user-42", "facebook")
		address := func(n int) string {
			const url = "https://www.example.com/"
			return url + strings.Repeat("x", n-len(url))
		}
		for n, row := range []struct {
			value, url string
			short      bool
		}{
			{"", address(30), true},
			{"always", address(30), true},
			{"ALWAYS", address(139), true},
			{"always", address(140), true},
			{"whenRequired", address(30), false},
			{"whenRequired", address(139), false},
			{"whenRequired", address(140), true},
			{"whenRequired", address(137) + "éé", false}, // 141 bytes
			{"never", address(139), false},
			{"never", address(140), false},
			{"never", address(1000), false},
		} {
			contain, lack := row.url, "http://"+shortDomain
			if row.short {
				contain, lack = lack+"/", row.url
			}
			title := fmt.Sprintf("%q, a URL of %d characters", row.value, len([]rune(row.url)))
			c.send(title, c.act("user-42", fmt.Sprintf(`{"title":"Number %d","linkBack":%q}`, n, row.url), "shortURLs", row.value), posted(1)).shows(contain, lack)
		}
		c.send("another value", c.act("user-42", hello, "shortURLs", "sometimes"), faulted(codeValue))
	}},
	{"18_14_approved_urls", approvedURLs},
	{"18_15_bounds", bounds},
	{"18_18_unknown_members", func(c *conversation) {
		c.connect("user-42", "facebook")
		c.send("unknown parameters and members", c.act("user-42", `{"TITLE":"Hello","template":{"a":[1]},"x":null}`,
			"sdk", "php_3.1.0", "environment", "x", "gmid", "", "ucid", "1", "targetEnv", "mobile", "telepathyUserAction", "{"), posted(1)).shows(`"Hello"`, "")
		c.send("parameters of old clients", c.act("user-42", `{"title":"Old","actionName":"read","mediaItems":[{"type":"image","src":"https://img.example.com/1.png","x":{}}]}`,
			"scope", "both", "privacy", "public", "feedID", "1", "actorUID", "x"), posted(1)).shows(`"Old"`, "")
	}},
}

// allFailed has every kind of refusal be the only answer.
func allFailed(c *conversation) {
	repeated := map[code]bool{500001: true, 504001: true, 409030: true, 403002: true}
	send := func(title string, r *request, want verdict) {
		c.Helper()
		if o := c.send(title, r, want); want.code == codeOK || repeated[want.code] || o.doc["providerPostIDs"] != nil {
			c.Errorf("%s: got %v; want a code that clients do not repeat", title, o.doc)
		}
	}
	for n, kind := range publish.Kinds {
		uid, provider, want := fmt.Sprint("user-", n), "facebook", faulted(codeOf(kind))
		if kind == publish.UnknownOutcome {
			provider, want.posts = "linkedin", 1 // where nobody can ask what became of it
		}
		c.connect(uid, provider+"#simulate:"+string(kind))
		send(string(kind), c.act(uid, hello), want)
	}
	c.connect("slow", "facebook#simulate:slow=20s", "twitter#simulate:slow=20s")
	slow := faulted(codeTimeout)
	slow.posts = 2
	send("too slow: both will have it", c.act("slow", hello), slow)
	time.Sleep(30 * time.Second)
	send("repeated by the client", c.act("slow", hello), faulted(codeLimit))
}

// approvedURLs has a site approve some.
func approvedURLs(c *conversation) {
	c.connect("user-42", "facebook", "twitter")
	c.connect("user-7", "facebook")
	linking := func(url string) *request {
		return c.act("user-42", `{"title":"Hello","linkBack":"`+url+`"}`)
	}
	const userInfo = "https://example.com@evil.test/"
	c.send("a site that approves everything refuses user info all the same", linking(userInfo), faulted(codeSpam)).entries()
	c.settings(trusting("example.com/*", "*.example.com/*"))
	c.send("an approved linkBack", linking("https://www.example.com/a"), posted(2)).entries("facebook 0", "twitter 0")
	c.send("another domain", linking("https://evil.example.net/"), faulted(codeSpam)).entries()
	c.send("user info", linking(userInfo), faulted(codeSpam)).entries()
	c.send("an approved domain at the beginning", linking("https://example.com.evil.test/"), faulted(codeSpam)).entries()
	c.send("an approved domain in the path", linking("https://evil.test/example.com/"), faulted(codeSpam)).entries()
	c.send("an action link", c.act("user-42", `{"title":"Hello","actionLinks":[{"title":"Read on","href":"https://evil.test/"}]}`), faulted(codeSpam)).entries()
	c.send("where a picture leads", c.act("user-42", `{"title":"Hello","mediaItems":[{"type":"image","src":"https://img.example.com/1.png","href":"https://evil.test/"}]}`), faulted(codeSpam)).entries()
	c.send("only where the picture comes from", c.act("user-7", `{"title":"Hello","mediaItems":[{"type":"image","src":"https://img.evil.test/1.png"}]}`), posted(1)).entries("facebook 0")
	c.send("in the action for one provider", c.act("user-42", hello, "twitterUserAction", evil), posted(1)).entries("facebook 0", "twitter 401010")
}

// bounds sends what is just allowed, and what is just beyond.
func bounds(c *conversation) {
	c.connect("user-42", "twitter")
	n := 0
	send := func(title, name, value string, want verdict) outcome {
		c.Helper()
		n++
		o := c.send(title, c.act("user-42", fmt.Sprintf(`{"title":"Number %d"}`, n), name, value), want)
		if want.code != codeOK {
			o.entries().shows(name, "")
		}
		return o
	}
	refused := faulted(codeValue)
	send("a cid of 100 characters", "cid", strings.Repeat("é", 100), posted(1))
	send("one of 101", "cid", strings.Repeat("é", 101), refused)
	send("three action values", "actionAttributes", `{"colour":["red","green"],"tags":"new"}`, posted(1))
	send("four under one key", "actionAttributes", `{"colour":["red","green","blue","grey"]}`, refused)
	send("four under two keys", "actionAttributes", `{"colour":["red","green","blue"],"tags":"new"}`, refused)
	at := func(latitude, longitude string) string {
		return fmt.Sprintf(`{"latitude":%s,"longitude":%s}`, latitude, longitude)
	}
	send("the north pole, at the date line", "userLocation", at("90", "180"), posted(1)).shows("Latitude:90 Longitude:180", "")
	send("the south pole, from the other side, as texts", "userLocation", at(`"-90"`, `"-180"`), posted(1)).shows("Latitude:-90 Longitude:-180", "")
	send("too far north", "userLocation", at("90.000001", "0"), refused)
	send("too far south", "userLocation", at("-90.000001", "0"), refused)
	send("too far east", "userLocation", at("0", "180.000001"), refused)
	send("too far west", "userLocation", at("0", "-180.000001"), refused)
	send("no number", "userLocation", at(`"NaN"`, "0"), refused)
}

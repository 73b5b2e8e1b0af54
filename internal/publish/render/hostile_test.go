package render

import (
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// scraps are what random messages are made of: pieces that meddle with each other.
var scraps = []string{
	" ", " ", "\n", "word", "example", "a", ".", ",", "com", ".com", "-", "_", "@", "#", "/", ":", "…", "(", ")", "'", "*", "＃", "＠", "+", "0", "7",
	"http://", "https://a.example/b", "http://a.example/(c)", "http://user@a.example/", "http://127.0.0.1/x", "example.org", "oal.lu/x", "@name", "@name@server.example", "#tag",
	"é", "e\u0301", "\u0301", "\u200d", "\ufe0f", "\u20e3", "\u0600", "日本", "。", "👍", "🏽", "👨‍👩‍👧‍👦", "🇫", "🇷", "🏴", "\U000e0067", "\U000e007f", "\u1100", "\u1161", "\x00", "\t", "\u2028", "\xff", "\ufeff",
}

// TestRandomMessages holds random messages against what Render promises, some of
// them about as long as the networks' limits.
func TestRandomMessages(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2)) // any will do; the same ones each time
	text := func(most int) string {
		var b strings.Builder
		if random.IntN(2) == 0 {
			b.WriteString(strings.Repeat("x", random.IntN(300)))
		}
		for range random.IntN(most) {
			b.WriteString(scraps[random.IntN(len(scraps))])
		}
		return b.String()
	}
	providers := slices.Sorted(maps.Keys(profiles))
	for range 200 {
		c := Content{Text: text(200), Tracked: map[string]string{}}
		if random.IntN(2) == 0 {
			c.Link = &Link{URL: "http://b.example/" + strings.Join(strings.Fields(text(3)), ""), Name: text(20), Description: text(50)}
			c.Tracked[c.Link.URL] = "https://s.example/link"
		}
		if random.IntN(3) == 0 {
			c.Media = []Media{picture, video, picture}[:1+random.IntN(3)]
		}
		if random.IntN(2) == 0 {
			for _, url := range URLs(c.Text) {
				c.Tracked[url] = "https://s.example/" + strings.Repeat("a", 1+random.IntN(9))
			}
		}
		if random.IntN(3) == 0 {
			c.NameFirst, c.Below, c.Location = true, &Link{URL: "http://b.example/", Name: text(20)}, &Location{}
		}
		for _, provider := range providers {
			p := known(t, provider)
			post, losses, err := Render(p, c)
			if err != nil {
				continue
			}
			if check(t, p, c, post, losses); t.Failed() {
				t.Fatalf("%s: %+q became %+q", provider, c.Text, post.Text)
			}
		}
	}
}

// hostile are texts of a quarter of a MiB, or 1 MiB for the worst, that are dear to
// whoever reads them anew for each of their parts.
var hostile = []struct {
	name, text string
	allocs     uint64 // at most, for a message on one network
}{
	{"combining characters", "a" + strings.Repeat("\u0323", 1<<19), 100},
	{"families in one cluster", strings.Repeat("👨‍", 1<<15) + "👨", 100},
	{"families", strings.Repeat("👨‍👩‍👧‍👦", 1<<13), 100},
	{"flags", strings.Repeat("🇫", 1<<16), 100},
	{"decomposed", strings.Repeat("e\u0301", 1<<16), 100},
	{"Hangul", strings.Repeat("\u1100", 1<<16), 100},
	{"prepended", strings.Repeat("\u0600", 1<<17), 100},
	{"control characters", strings.Repeat("\x00", 1<<18) + "a", 100},
	{"one word", strings.Repeat("a", 1<<18), 100},
	{"spaces", "a" + strings.Repeat(" ", 1<<18) + "b", 100},
	{"schemes", strings.Repeat("http://", 1<<15), 200},
	{"schemes of no URLs", strings.Repeat("ahttp://", 1<<15), 200},
	{"brackets", "http://a.example/" + strings.Repeat("(", 1<<17) + strings.Repeat(")", 1<<17), 200},
	{"brackets of many", strings.Repeat("http://a.example/)))))))", 1<<13), 6 << 13},
	{"10,000 URLs", strings.Repeat("http://a.example/b ", 10_000), 60_000},
	{"10,000 different URLs", many(10_000), 60_000},
	{"dots", strings.Repeat(".", 1<<18), 100},
	{"one domain", strings.Repeat("a.", 1<<17), 1 << 18},
	{"domains", strings.Repeat("a.com ", 1<<15), 1 << 16},
	{"marks", strings.Repeat("#@", 1<<17), 100},
	{"mentions", strings.Repeat(" @a@b", 1<<15), 100},
	{"tags", strings.Repeat(" #a", 1<<16), 100},
	{"one tag", "#" + strings.Repeat("a", 1<<18), 100},
	{"reserved characters", strings.Repeat("_", 1<<18), 100},
	{"invalid UTF-8", strings.Repeat("\xff", 1<<18), 100},
}

// many is a text of n different URLs.
func many(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("http://a.example/")
		for ; i > 0; i /= 10 {
			b.WriteByte(byte('0' + i%10))
		}
		b.WriteByte(' ')
	}
	return b.String()
}

// TestHostileTexts counts the allocations that hostile texts take, and holds the
// posts against what Render promises. A step that went over a text once for each of
// its parts would run into the tests' deadline.
func TestHostileTexts(t *testing.T) {
	for _, test := range hostile {
		t.Run(test.name, func(t *testing.T) {
			for _, provider := range []string{"twitter", "bluesky", "linkedin"} {
				p := known(t, provider)
				c := Content{Text: test.text, Link: page, Tracked: tracked}
				var post Post
				var losses []Loss
				var err error
				allocs := allocations(func() { post, losses, err = Render(p, c) })
				if err != nil {
					t.Fatal(err)
				}
				if allocs > test.allocs {
					t.Errorf("%s: got %d allocations; want at most %d", provider, allocs, test.allocs)
				}
				if len(post.Text) > 64<<10 {
					t.Errorf("%s: got a text of %d bytes", provider, len(post.Text))
				}
				check(t, p, c, post, losses)
			}
		})
	}
}

// allocations counts what f allocates, once.
func allocations(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.Mallocs - before.Mallocs
}

// BenchmarkRender renders a message as people write them.
func BenchmarkRender(b *testing.B) {
	c := Content{
		Text: "Die neue Ausgabe ist da: Wörter, Bilder und ein Gespräch über Links, die zählen. Lesen Sie mehr unter " + page.URL + " #herald",
		Link: page, Tracked: tracked, Media: []Media{picture},
	}
	for _, provider := range []string{"twitter", "bluesky", "mastodon", "linkedin", "simulated"} {
		b.Run(provider, func(b *testing.B) {
			p := known(b, provider)
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := Render(p, c); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkHostile renders the longest of bad texts.
func BenchmarkHostile(b *testing.B) {
	for _, test := range hostile {
		b.Run(test.name, func(b *testing.B) {
			p := known(b, "twitter")
			b.SetBytes(int64(len(test.text)))
			for b.Loop() {
				if _, _, err := Render(p, Content{Text: test.text, Link: page, Tracked: tracked}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

package render

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// page is a link with all its words.
var page = &Link{URL: "https://www.example.com/articles/2011/long-title?id=7#top", Name: "The name", Caption: "example.com", Description: "What it says"}

// tracked are the short URLs of page and of another one.
var tracked = map[string]string{page.URL: "https://oal.example/8WEtk", "http://other.example/": "https://oal.example/2a"}

// pictures and videos for messages; the bytes do not matter here.
var (
	picture = Media{Name: "a.png", Type: "image/png", Alt: "a picture", Data: []byte("p")}
	video   = Media{Name: "a.mp4", Type: "video/mp4", Data: []byte("v")}
)

// messages are what the golden file shows on every network.
var messages = []struct {
	name    string
	content Content
}{
	{"text", Content{Text: "Hello, world! 👋\r\nA second line."}},
	{"link", Content{Link: page, Tracked: tracked}},
	{"picture", Content{Media: []Media{picture}}},
	{"text and link", Content{Text: "Look at this", Link: page, Tracked: tracked}},
	{"URLs in the text", Content{Text: "Look at " + page.URL + ", and at (http://other.example/).", Tracked: tracked}},
	{"link that the text has", Content{Text: page.URL + " is new", Link: page, Tracked: tracked}},
	{"text, link and picture", Content{Text: "Look at this", Link: page, Media: []Media{picture}, Tracked: tracked}},
	{"text, link and two pictures", Content{Text: "Look at this", Link: page, Media: []Media{picture, picture}, Tracked: tracked}},
	{"text, link, picture and video", Content{Text: "Look at this", Link: page, Media: []Media{picture, video}, Tracked: tracked}},
	{"long text and link", Content{Text: strings.Repeat("Grüße aus 東京! ", 8_000), Link: page, Tracked: tracked}},
	{"tags, mentions and marks", Content{Text: "#news from @name@server.example: [5 < 6] & 2*3 = 6_0 #snow_white #東京", Link: page, Tracked: tracked}},
}

// TestGolden shows whole messages on all networks. Look at the difference before
// "go test -run TestGolden -update".
func TestGolden(t *testing.T) {
	var b strings.Builder
	for _, m := range messages {
		fmt.Fprintf(&b, "# %s\n\n", m.name)
		for _, provider := range slices.Sorted(maps.Keys(profiles)) {
			post, losses, err := Render(known(t, provider), m.content)
			fmt.Fprintf(&b, "%s\n%s\n", provider, describe(post, losses, err))
		}
	}
	path := filepath.Join("testdata", "messages.golden")
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}

// describe is a rendered message for people.
func describe(post Post, losses []Loss, err error) string {
	var b strings.Builder
	if err != nil {
		return fmt.Sprintf("  error: %v\n", err)
	}
	text := []rune(post.Text)
	if len(text) > 300 {
		text = slices.Concat(text[:40], []rune(" [...] "), text[len(text)-80:])
	}
	fmt.Fprintf(&b, "  text: %q\n", string(text))
	for _, s := range post.Spans {
		fmt.Fprintf(&b, "  %s: %q for %q\n", [...]string{"url", "tag", "mention"}[s.Kind], s.Value, post.Text[s.Start:s.End])
	}
	if l := post.Link; l != nil {
		fmt.Fprintf(&b, "  link: %s name %q caption %q description %q\n", l.URL, l.Name, l.Caption, l.Description)
	}
	for _, m := range post.Media {
		fmt.Fprintf(&b, "  %s\n", m.Type)
	}
	for _, l := range losses {
		fmt.Fprintf(&b, "  loss: %s\n", l)
	}
	return b.String()
}

// TestRenderText looks at what becomes of texts.
func TestRenderText(t *testing.T) {
	x := func(n int) string { return strings.Repeat("x", n) }
	link := &Link{URL: "https://oal.example/8WEtk"} // 23 on X
	for _, test := range []struct {
		name     string
		provider string
		content  Content
		want     string
		losses   []Loss
	}{
		{"as long as it may be", "twitter", Content{Text: x(280)}, x(280), nil},
		{"one more", "twitter", Content{Text: x(281)}, x(278) + "…", []Loss{"the text was cut to 280 characters"}},
		{"just room for the link", "twitter", Content{Text: x(256), Link: link}, x(256) + " " + link.URL, nil},
		{"no room for the link", "twitter", Content{Text: x(257), Link: link}, x(254) + "… " + link.URL, []Loss{"the text was cut to 280 characters"}},
		{"at the last space", "twitter", Content{Text: x(223) + " " + x(100)}, x(223) + "…", []Loss{"the text was cut to 280 characters"}},
		{"no space in the last fifth", "twitter", Content{Text: x(221) + " " + x(100)}, x(221) + " " + x(56) + "…", []Loss{"the text was cut to 280 characters"}},
		{"spaces at the cut", "twitter", Content{Text: x(270) + x(0) + strings.Repeat(" ", 20) + "x"}, x(270) + "…", []Loss{"the text was cut to 280 characters"}},
		{"emoji stay whole", "twitter", Content{Text: x(277) + "👨‍👩‍👧‍👦👨‍👩‍👧‍👦"}, x(277) + "…", []Loss{"the text was cut to 280 characters"}},
		{"clusters stay whole", "twitter", Content{Text: x(275) + "q\u0323\u0323\u0323" + x(4)}, x(275) + "…", []Loss{"the text was cut to 280 characters"}},
		{"URL stays whole", "twitter", Content{Text: x(250) + " http://a.example/" + x(100) + " another"}, x(250) + " http://a.example/" + x(100) + " …", []Loss{"the text was cut to 280 characters"}},
		{"URL is dropped whole", "twitter", Content{Text: x(257) + " http://a.example/" + x(100)}, x(257) + "…", []Loss{"the text was cut to 280 characters"}},
		{"bare domain stays whole", "twitter", Content{Text: x(260) + " example.com/abc"}, x(260) + "…", []Loss{"the text was cut to 280 characters"}},
		{"no new domain", "twitter", Content{Text: x(265) + " a.com-" + x(30)}, x(265) + "…", []Loss{"the text was cut to 280 characters"}},
		{"tag stays whole", "tumblr", Content{Text: x(4090) + " #longtag"}, x(4090) + "…", []Loss{"the text was cut to 4096 characters"}},
		{"mention stays whole", "tumblr", Content{Text: x(4090) + " @longname"}, x(4090) + "…", []Loss{"the text was cut to 4096 characters"}},
		{"what is no URL stays whole, too", "tumblr", Content{Text: x(4080) + " http://user@example.com/"}, x(4080) + "…", []Loss{"the text was cut to 4096 characters"}},
		{"link of the text survives", "twitter", Content{Text: x(279) + " " + link.URL, Link: link}, x(254) + "… " + link.URL, []Loss{"the text was cut to 280 characters"}},
		{"link of the text stays in its place", "twitter", Content{Text: link.URL + " " + x(279), Link: link}, link.URL + " " + x(254) + "…", []Loss{"the text was cut to 280 characters"}},
		{"required URL survives", "sina", Content{Text: strings.Repeat("微", 140) + " " + link.URL}, strings.Repeat("微", 128) + "… " + link.URL, []Loss{"the text was cut to 140 characters"}},
		{"topics", "sina", Content{Text: "#topic# http://a.example/#top"}, "＃topic＃ http://a.example/#top", []Loss{"topics are not marked"}},
		{"one tag is no topic", "sina", Content{Text: "#topic http://a.example/#top"}, "#topic http://a.example/#top", nil},
		{"only 5 links", "threads", Content{Text: "http://a.co http://b.co http://c.co http://d.co http://e.co http://f.co"},
			"http://a.co http://b.co http://c.co http://d.co http://e.co …", []Loss{"the text was cut to 5 links"}},
		{"nothing but a long cluster", "twitter", Content{Text: "q" + strings.Repeat("\u0323", 300), Link: link}, link.URL,
			[]Loss{"the text is not shown: nothing of it fits into 280 characters"}},
		{"link longer than the text may be", "linkedin/v1", Content{Text: "Look", Link: &Link{URL: "http://a.example/" + x(700)}, Media: []Media{video}}, "Look", []Loss{"the video is not shown"}},
		{"link that is too long for the text", "threads", Content{Text: "Look", Link: &Link{URL: "http://a.example/" + x(500)}, Media: []Media{picture}}, "Look",
			[]Loss{"the link moved into the text", "the link is not shown: it is longer than 500 characters"}},
		{"link that is none", "twitter", Content{Text: "Look", Link: &Link{URL: "javascript:alert(1)"}}, "Look", []Loss{"the link is not shown: it is no http or https URL"}},
		{"caption is shorter than text", "telegram", Content{Text: x(1025), Media: []Media{picture}}, x(1023) + "…", []Loss{"the text was cut to 1024 characters"}},
		{"name in place of text", "mastodon", Content{Link: &Link{URL: link.URL, Name: "The name"}}, "The name " + link.URL, nil},
		{"name in place of control characters", "mastodon", Content{Text: "\x00\x01", Link: &Link{URL: link.URL, Name: "The name"}}, "The name " + link.URL, nil},
		{"name before the text", "mastodon", Content{Text: "Look", NameFirst: true, Link: &Link{URL: link.URL, Name: "The name"}}, "The name\nLook " + link.URL, nil},
		{"name and no room for it", "mastodon", Content{Text: "Look", Link: &Link{URL: link.URL, Name: "The name", Caption: "c", Description: "d"}}, "Look " + link.URL,
			[]Loss{"the link's name, caption and description are not shown"}},
		{"invisible text", "mastodon", Content{Text: " \u200b\t\n", Link: link}, link.URL, nil},
		{"control characters", "mastodon", Content{Text: "a\x00b\tc\r\nd\re\u2028f\ufeffg\x1b[0m\xff"}, "ab c\nd\ne\nfg[0m\ufffd", nil},
		{"NFC", "mastodon", Content{Text: "cafe\u0301 \u1100\u1161"}, "café 가", nil},
		{"reserved characters are paid for", "linkedin", Content{Text: strings.Repeat("_", 1501)}, strings.Repeat(`\_`, 1499) + "…", []Loss{"the text was cut to 3000 characters"}},
		{"bytes", "bluesky", Content{Text: strings.Repeat("👨‍👩‍👧‍👦", 121)}, strings.Repeat("👨‍👩‍👧‍👦", 119) + "…", []Loss{"the text was cut to 3000 bytes"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			post, losses, err := Render(known(t, test.provider), test.content)
			if err != nil {
				t.Fatal(err)
			}
			if post.Text != test.want {
				t.Errorf("got text %q; want %q", post.Text, test.want)
			}
			if diff := cmp.Diff(test.losses, losses); diff != "" {
				t.Errorf("losses (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRenderMedia(t *testing.T) {
	gif := Media{Type: "image/gif"}
	pdf := Media{Type: "application/pdf"}
	with := func(media ...Media) Content { return Content{Text: "Look", Media: media} }
	linked := func(media ...Media) Content {
		return Content{Text: "Look", Link: &Link{URL: "http://a.example/", Name: "The name"}, Media: media}
	}
	for _, test := range []struct {
		name     string
		provider string
		content  Content
		want     []Media
		attached bool
		losses   []Loss
	}{
		{"in their order", "twitter", with(gif, picture), []Media{gif, picture}, false, nil},
		{"too many", "twitter", with(picture, picture, picture, picture, gif, gif), []Media{picture, picture, picture, picture}, false, []Loss{"2 of 6 pictures are not shown"}},
		{"one too many", "twitter", with(picture, picture, picture, picture, gif), []Media{picture, picture, picture, picture}, false, []Loss{"1 of 5 pictures is not shown"}},
		{"video wins", "twitter", with(picture, picture, video), []Media{video}, false, []Loss{"the pictures are not shown beside the video"}},
		{"second video", "twitter", with(video, video), []Media{video}, false, []Loss{"1 of 2 videos is not shown"}},
		{"together", "vkontakte", linked(picture, video, picture), []Media{picture, video, picture}, true, nil},
		{"no videos", "sina", Content{Text: "http://a.example/", Media: []Media{video}}, nil, false, []Loss{"the video is not shown"}},
		{"no pictures", "reddit", with(picture, picture), nil, false, []Loss{"the pictures are not shown"}},
		{"other files", "simulated", with(pdf, picture), []Media{picture}, false, []Loss{"the file is not shown"}},
		{"everything", "simulated", linked(picture, video, video, picture), []Media{picture, video, video, picture}, true, nil},
		{"preview", "bluesky", linked(picture), []Media{picture}, true, nil},
		{"pictures instead of a preview", "bluesky", linked(picture, gif), []Media{picture, gif}, false, []Loss{"the link moved into the text", "the link's name is not shown"}},
		{"video instead of a preview", "bluesky", linked(video), []Media{video}, false, []Loss{"the link moved into the text", "the link's name is not shown"}},
		{"one of them", "threads", linked(picture), []Media{picture}, false, []Loss{"the link moved into the text", "the link's name is not shown"}},
		{"link first", "facebook", linked(picture), nil, true, []Loss{"the picture is not shown beside the link", "the link's name is not shown"}},
		{"but after a video", "facebook", linked(video), []Media{video}, false, []Loss{"the link moved into the text", "the link's name is not shown"}},
		{"pictures without a link", "facebook", with(picture, gif), []Media{picture, gif}, false, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			post, losses, err := Render(known(t, test.provider), test.content)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, post.Media); diff != "" {
				t.Errorf("media (-want +got):\n%s", diff)
			}
			if attached := post.Link != nil; attached != test.attached {
				t.Errorf("got an attached link: %v; want %v", attached, test.attached)
			}
			if diff := cmp.Diff(test.losses, losses); diff != "" {
				t.Errorf("losses (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRenderWords(t *testing.T) {
	post, losses, err := Render(known(t, "renren"), Content{Link: &Link{
		URL: "http://a.example/", Name: strings.Repeat("name ", 8), Caption: "two\nlines", Description: "see http://b.example/.",
	}, Tracked: map[string]string{"http://b.example/": "http://s.example/b"}})
	if err != nil {
		t.Fatal(err)
	}
	want := Link{URL: "http://a.example/", Name: "name name name name name name…", Caption: "two lines", Description: "see http://s.example/b."}
	if diff := cmp.Diff(&want, post.Link); diff != "" {
		t.Errorf("link (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]Loss{"the link's name was cut to 30 characters"}, losses); diff != "" {
		t.Errorf("losses (-want +got):\n%s", diff)
	}
}

func TestErrNothing(t *testing.T) {
	for _, test := range []struct {
		name     string
		provider string
		content  Content
		want     string
	}{
		{"empty", "twitter", Content{}, "nothing to post: the message is empty"},
		{"only spaces", "twitter", Content{Text: " \u200b\n"}, "nothing to post: the message is empty"},
		{"only control characters", "twitter", Content{Text: "\x00\x01"}, "nothing to post: the message is empty"},
		{"only what is not shown", "reddit", Content{Media: []Media{picture, video}}, "nothing to post: the picture is not shown; the video is not shown"},
		{"nothing fits", "twitter", Content{Text: "q" + strings.Repeat("\u0323", 300)}, "nothing to post: the text is not shown: nothing of it fits into 280 characters"},
		{"no URL", "sina", Content{Text: "Look", Media: []Media{picture}}, "nothing to post: Sina Weibo wants a URL in the text"},
		{"no picture", "pinterest", Content{Text: "Look", Link: page}, "nothing to post: Pinterest wants a picture"},
	} {
		t.Run(test.name, func(t *testing.T) {
			post, losses, err := Render(known(t, test.provider), test.content)
			if !errors.Is(err, ErrNothing) || err.Error() != test.want {
				t.Errorf("got %v; want %s", err, test.want)
			}
			if diff := cmp.Diff(Post{}, post); diff != "" || losses != nil {
				t.Errorf("got a post beside the error, or losses %q:\n%s", losses, diff)
			}
		})
	}
}

func TestFor(t *testing.T) {
	if p, ok := For("nobody"); ok || p != (Profile{}) {
		t.Errorf("got %+v, %v; want none", p, ok)
	}
	p := known(t, "twitter")
	p.Text[0].Max = 4000 // as for a paying account
	if again := known(t, "twitter"); again.Text[0].Max != 280 {
		t.Errorf("got a limit of %d; want 280: who changes a profile changes their own", again.Text[0].Max)
	}
}

func TestMastodon(t *testing.T) {
	snac := Mastodon(100_000, 32, 8)
	if got := snac.Text[0]; got != (Limit{100_000, CodePoints}) || snac.URLCost != 32 || snac.Pictures != 8 {
		t.Errorf("got limit %v, URL %d, pictures %d; want 100,000, 32, 8", got, snac.URLCost, snac.Pictures)
	}
	unknown := Mastodon(0, 0, 0)
	if got := unknown.Text[0]; got != (Limit{500, CodePoints}) || unknown.URLCost != 23 || unknown.Pictures != 4 {
		t.Errorf("got limit %v, URL %d, pictures %d; want 500, 23, 4", got, unknown.URLCost, unknown.Pictures)
	}
}

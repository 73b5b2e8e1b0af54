package simulated

import (
	"cmp"
	"crypto/sha256"
	_ "embed" // the pages' sources
	"encoding/base64"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"herald.example/internal/network"
	"herald.example/internal/publish/render"
)

// The pages' sources. The style sheet stands in every page, so that its policy can
// name it by hash and allow nothing else.
var (
	//go:embed pages/page.html
	pageSource string
	//go:embed pages/style.css
	styleSource string

	pageTemplate = template.Must(template.New("pages").Parse(pageSource))
)

// pagePolicy lets a page show pictures and videos of posts, and nothing run.
var pagePolicy = "default-src 'none'; style-src 'sha256-" + styleHash() + "'; img-src 'self'; media-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

func styleHash() string {
	sum := sha256.Sum256([]byte(styleSource))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// page is what a page shows; only what is set.
type page struct {
	Style template.CSS
	Title string
	Lead  string
	Root  string
	Here  string // feed, failures, or empty

	Chips []chip
	Posts []card
	Older string
	Empty bool

	Post *card
	Rows []row

	Failures []failure
	Forms    []failure // examples
}

// chip is a filter that can be chosen.
type chip struct {
	Name, URL string
	On        bool
}

// card is a post as its readers see it.
type card struct {
	Provider string // key
	Network  string // name
	Account  string
	Initial  string
	Colour   int
	Feed     string // the account's posts
	URL      string
	Time     string // for programs
	Date     string
	Pieces   []piece
	Pictures []picture
	Link     *linkCard
	Below    *linkCard
	Place    string // where the user is; empty: not known
}

// picture is a picture or a video; another file when it is neither.
type picture struct {
	URL, Alt     string
	Leads        string // where it leads
	Image, Video bool
}

// linkCard is a link as it is shown below a text.
type linkCard struct {
	URL, Host, Name, Description string
}

// row is a fact on a post.
type row struct {
	Name string
	Text string
	URL  string // of Text; empty: none
}

// failure is a line of the list of failures.
type failure struct {
	Directive string
	Aliases   string
	About     string
	Outcome   string // kind of the refusal, when the name does not say it; empty: none
}

// newPage is a page with what all pages have.
func newPage(title, lead string) page {
	return page{Style: template.CSS(styleSource), Title: title, Lead: lead, Root: root}
}

// feedURL is the address of a feed.
func feedURL(f Filter) string {
	q := url.Values{}
	if f.Provider != "" {
		q.Set("provider", f.Provider)
	}
	if f.Account != "" {
		q.Set("account", f.Account)
	}
	if f.Before != 0 {
		q.Set("before", fmt.Sprint(f.Before))
	}
	if len(q) == 0 {
		return root
	}
	return root + "?" + q.Encode()
}

// feedPage shows posts, of which there is one more than the page holds when it is
// not the last one.
func feedPage(f Filter, posts []Post, providers []string) page {
	title := "Newest posts"
	switch {
	case f.Account != "" && f.Provider != "":
		title = "Posts of " + f.Account + " on " + network.Name(f.Provider)
	case f.Account != "":
		title = "Posts of " + f.Account
	case f.Provider != "":
		title = "Posts on " + network.Name(f.Provider)
	}
	p := newPage(title, "What this server published to simulated networks, as its readers would see it. Nothing here has left this server.")
	p.Here = "feed"
	p.Chips = []chip{{"All networks", feedURL(Filter{Account: f.Account}), f.Provider == ""}}
	for _, provider := range providers {
		p.Chips = append(p.Chips, chip{network.Name(provider), feedURL(Filter{Provider: provider, Account: f.Account}), f.Provider == provider})
	}
	if f.Account != "" {
		p.Chips = append(p.Chips, chip{f.Account + " ✕", feedURL(Filter{Provider: f.Provider}), true})
	}
	if len(posts) > f.Limit {
		posts = posts[:f.Limit]
		p.Older = feedURL(Filter{Provider: f.Provider, Account: f.Account, Before: posts[len(posts)-1].Number})
	}
	for _, post := range posts {
		p.Posts = append(p.Posts, newCard(post))
	}
	p.Empty = len(p.Posts) == 0
	return p
}

// postPage shows one post.
func postPage(post Post) page {
	p := newPage(post.Account+" on "+network.Name(post.Provider), "")
	c := newCard(post)
	p.Post = &c
	p.Rows = []row{
		{Name: "Network", Text: network.Name(post.Provider) + ", simulated", URL: feedURL(Filter{Provider: post.Provider})},
		{Name: "Account", Text: post.Account, URL: c.Feed},
		{Name: "ID there", Text: postID(post)},
		{Name: "Posted", Text: post.Made.UTC().Format("2 January 2006, 15:04:05.000 UTC")},
	}
	for _, link := range linksOf(post) {
		p.Rows = append(p.Rows, row{Name: "Leads to", Text: link, URL: link})
	}
	return p
}

// newCard is how a post looks.
func newCard(p Post) card {
	initial, _ := utf8.DecodeRuneInString(strings.ToUpper(p.Account))
	c := card{
		Provider: p.Provider, Network: network.Name(p.Provider), Account: p.Account,
		Initial: string(initial), Colour: int(hash(p.Account) % 6),
		Feed: feedURL(Filter{Provider: p.Provider, Account: p.Account}), URL: fmt.Sprintf("%sposts/%d", root, p.Number),
		Time: p.Made.UTC().Format(time.RFC3339), Date: p.Made.UTC().Format("2 Jan 2006, 15:04 UTC"),
		Pieces: pieces(p),
	}
	for i, m := range p.Media {
		kind, _, _ := strings.Cut(m.Type, "/")
		leads := mediaPath(p, i)
		if isWeb(m.Link) {
			leads = m.Link
		}
		c.Pictures = append(c.Pictures, picture{mediaPath(p, i), m.Alt, leads, kind == "image" && shown[m.Type], kind == "video" && shown[m.Type]})
	}
	if p.Link != nil && isWeb(p.Link.URL) {
		l := linkCard{URL: p.Link.URL, Name: p.Link.Name, Description: p.Link.Description}
		if u, err := url.Parse(p.Link.URL); err == nil {
			l.Host = u.Host
		}
		if p.Link.Caption != "" {
			l.Host = p.Link.Caption
		}
		if l.Name == "" {
			l.Name = p.Link.URL
		}
		c.Link = &l
	}
	if p.Below != nil && isWeb(p.Below.URL) {
		c.Below = &linkCard{URL: p.Below.URL, Name: cmp.Or(p.Below.Name, p.Below.URL)}
	}
	if at := p.Location; at != nil {
		c.Place = placeOf(*at)
	}
	return c
}

// placeOf is a location as readers see it.
func placeOf(at render.Location) string {
	name := cmp.Or(at.Name, at.PlaceID)
	if at.NoPoint {
		return name
	}
	point := fmt.Sprintf("%.5g° %.5g°", at.Latitude, at.Longitude)
	if name == "" {
		return point
	}
	return name + " (" + point + ")"
}

// failuresPage lists what can be asked for.
func failuresPage() page {
	p := newPage("Failures on demand",
		"Write one of these as a word of its own into the text of a message, and its post meets the failure. In the name of an account, or behind its access token, it holds for all posts of the account.")
	p.Here = "failures"
	for _, b := range list {
		f := failure{Directive: marker + b.name, About: b.about}
		var short []string
		for _, alias := range b.aliases {
			short = append(short, marker+alias)
		}
		f.Aliases = strings.Join(short, ", ")
		if string(b.kind) != b.name {
			f.Outcome = string(b.kind)
		}
		p.Failures = append(p.Failures, f)
	}
	p.Forms = []failure{
		{Directive: marker + "transient*2", About: "twice, then the post is taken"},
		{Directive: marker + "slow=3s", About: "with a time"},
		{Directive: marker + "hang=lost", About: "no answer, and no post either"},
		{Directive: marker + "rate_limited=iso,10s*1", About: "once, with a wait of ten seconds, said as Mastodon says it; the forms are " +
			strings.Join(slices.Sorted(maps.Keys(limitForms)), ", ")},
	}
	return p
}

// sorryPage says why there is nothing to see.
func sorryPage(status int) page {
	switch status {
	case http.StatusBadRequest:
		return newPage("That is no address of ours", "Something in the address cannot be understood. Start again with the newest posts.")
	case http.StatusMethodNotAllowed:
		return newPage("Only for reading", "Posts are made by publishing a message through the sharing API.")
	case http.StatusServiceUnavailable:
		return newPage("Just a moment", "The posts cannot be read right now. Please try again in a few seconds.")
	default:
		return newPage("No such post", "It was never made, or it is so old that it is not kept any more.")
	}
}

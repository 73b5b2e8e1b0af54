package publish_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"herald.example/internal/fetch"
	"herald.example/internal/publish"
	"herald.example/internal/publish/render"
	"herald.example/internal/site"
)

var update = flag.Bool("update", false, "write the golden file anew")

// social are the networks of Gigya's contract and two others.
var social = []string{"facebook", "twitter", "linkedin", "vkontakte", "renren", "sina", "mastodon", "bluesky"}

// asItself is a network with the profile of the real one.
type asItself struct {
	*network
	provider string
}

func (n asItself) Profile(ctx context.Context, who site.Opened) (render.Profile, error) {
	p, _ := render.For(n.provider)
	return p, nil
}

func (n asItself) ActionProfile(ctx context.Context, who site.Opened) (render.Profile, error) {
	if p, known := render.For(n.provider + "/legacy"); known {
		return p, nil
	}
	return n.Profile(ctx, who)
}

// newSocial has a user on all of the social networks.
func newSocial(t *testing.T) *world {
	w := newWorld(t, social...)
	for _, provider := range social {
		w.nets[provider] = asItself{w.net, provider}
	}
	return w
}

// share publishes a user action on all of the social networks.
func (w *world) share(parts publish.Parts) publish.Round {
	w.Helper()
	if parts.Action == nil {
		parts.Action = &publish.Action{}
	}
	if parts.Share == nil {
		parts.Share = &publish.Share{Kind: publish.ActionShare}
	}
	return w.publish(publish.Request{
		Site: w.site, Parts: parts, Target: publish.Target{User: w.person.Token, Providers: social}, Brief: true,
	})
}

// rich is a user action with everything in it.
func rich() publish.Parts {
	return publish.Parts{
		Text: &publish.Text{Body: "Worth reading, see also https://www.example.com/more"},
		Link: &publish.Link{URL: "https://www.example.com/gardens?ref=home", Name: "Ten quiet gardens",
			Caption: "A magazine", Description: "A short tour of ten small city gardens."},
		Picture: &publish.Media{URL: "https://img.example.com/g1.png", Link: "https://www.example.com/gallery"},
		Action: &publish.Action{Links: []publish.ActionLink{
			{Title: "Read on, it is a very long way to go", URL: "https://www.example.com/on"}, {Title: "Not shown", URL: "https://www.example.com/never"},
		}},
		Share:    &publish.Share{Kind: publish.ActionShare, Location: &publish.Location{Latitude: 48.2, Longitude: 16.37}},
		Tracking: true,
	}
}

// TestActions shows user actions on the networks as they get them. Look at the
// difference before "go test -run TestActions -update".
func TestActions(t *testing.T) {
	plain := func(edit func(*publish.Parts)) publish.Parts {
		parts := publish.Parts{Link: &publish.Link{URL: "https://www.example.com/", Name: "Title"}, Tracking: true}
		edit(&parts)
		return parts
	}
	long := strings.Repeat("x", 140-len("https://www.example.com/"))
	var b strings.Builder
	for _, test := range []struct {
		name  string
		parts publish.Parts
	}{
		{"everything", rich()},
		{"title and link", plain(func(*publish.Parts) {})},
		{"title alone", plain(func(p *publish.Parts) { p.Link.URL = "" })},
		{"all words and no link", plain(func(p *publish.Parts) {
			p.Link = &publish.Link{Name: "Title", Caption: "Subtitle", Description: "Description"}
			p.Text = &publish.Text{Body: "Message"}
		})},
		{"description and no message", plain(func(p *publish.Parts) { p.Link.Description = "Description" })},
		{"message alone", plain(func(p *publish.Parts) { p.Link, p.Text = nil, &publish.Text{Body: "Message"} })},
		{"picture alone", plain(func(p *publish.Parts) { p.Link, p.Picture = nil, &publish.Media{URL: "https://img.example.com/g1.png"} })},
		{"title and picture", plain(func(p *publish.Parts) {
			p.Link.URL, p.Picture = "", &publish.Media{URL: "https://img.example.com/g1.png"}
		})},
		{"video alone", plain(func(p *publish.Parts) { p.Link, p.Video = nil, &publish.Media{URL: "https://img.example.com/film.mp4"} })},
		{"nothing but a video that is none", plain(func(p *publish.Parts) { p.Link, p.Video = nil, &publish.Media{URL: "https://img.example.com/film.swf"} })},
		{"video, and a preview that is none", plain(func(p *publish.Parts) {
			p.Link, p.Video, p.Picture = nil, &publish.Media{URL: "https://img.example.com/film.mp4"}, &publish.Media{URL: "https://img.example.com/gone"}
		})},
		{"picture that is none", plain(func(p *publish.Parts) { p.Picture = &publish.Media{URL: "https://img.example.com/gone"} })},
		{"video that is none", plain(func(p *publish.Parts) { p.Video = &publish.Media{URL: "https://img.example.com/film.swf"} })},
		{"long title", plain(func(p *publish.Parts) { p.Link.Name = strings.Repeat("word ", 100) })},
		{"override", plain(func(p *publish.Parts) {
			p.Overrides = map[string]publish.Parts{"twitter": {
				Link: &publish.Link{URL: "https://www.example.com/twitter", Name: "For Twitter"}, Action: &publish.Action{},
			}}
		})},
		{"when required", plain(func(p *publish.Parts) {
			p.Longer = 139
			p.Text = &publish.Text{Body: "https://www.example.com/" + long[1:] + " https://www.example.com/" + long}
		})},
		{"never", plain(func(p *publish.Parts) { p.Tracking = false })},
		{"own and foreign URLs", plain(func(p *publish.Parts) {
			p.Text = &publish.Text{Body: "https://go.example/abc https://evil.test/ https://example.com@www.example.com/ https://www.example.com/mine"}
		})},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newSocial(t)
			w.fetcher.unless = map[string]error{"https://img.example.com/gone": fetch.ErrStatus, "https://img.example.com/film.swf": fetch.ErrStatus}
			var err error
			w.site, err = w.dir.EditSite(t.Context(), w.site.ID, func(s *site.Site) error {
				s.Gigya.Trusted = []string{"www.example.com/*"}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, "# %s\n\n", test.name)
			for _, pub := range w.share(test.parts).Publications {
				fmt.Fprintf(&b, "%s: %s\n%s\n", pub.Provider, pub.State, w.describe(pub))
			}
		})
	}
	path := filepath.Join("testdata", "actions.golden")
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
		t.Errorf("actions (-want +got):\n%s", diff)
	}
}

// describe is what a network got, with short URLs named by where they lead.
func (w *world) describe(pub publish.Publication) string {
	var b strings.Builder
	if pub.Refusal != nil {
		fmt.Fprintf(&b, "  refusal: %s: %s\n", pub.Refusal.Kind, pub.Refusal.Message)
	}
	post := w.net.posts[pub.Name()]
	line := func(name, format string, args ...any) {
		if text := fmt.Sprintf(format, args...); text != "" {
			for _, l := range pub.Links {
				short := "go.example/" + l.Ref.Slug // as Bluesky shows it
				text = strings.NewReplacer("https://"+short, "{"+l.Target+"}", short, "{"+l.Target+"}").Replace(text)
			}
			fmt.Fprintf(&b, "  %s: %s\n", name, text)
		}
	}
	line("text", "%s", strings.ReplaceAll(post.Text, "\n", `\n`))
	if l := post.Link; l != nil {
		line("link", "%s", l.URL)
		line("  name", "%s", l.Name)
		line("  caption", "%s", l.Caption)
		line("  description", "%s", l.Description)
	}
	for _, m := range post.Media {
		line("media", "%s", m.Type)
		line("  leads to", "%s", m.Link)
	}
	if post.Below != nil {
		line("below", "%s %s", post.Below.Name, post.Below.URL)
	}
	if post.Location != nil {
		line("at", "%v %v", post.Location.Latitude, post.Location.Longitude)
	}
	line("note", "%s", pub.Receipt.Note)
	line("links", "%d", len(pub.Links))
	return b.String()
}

package gigya

import (
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"herald.example/internal/link"
	"herald.example/internal/publish"
	"herald.example/internal/site"
)

// maxItems bounds mediaItems, and actionLinks, of a user action. Networks show a few.
const maxItems = 20

// sentAction is a user action as clients write it: contract, section 6. Members that are
// not here are ignored.
type sentAction struct {
	UserMessage string      `json:"userMessage"`
	Title       string      `json:"title"`
	Subtitle    string      `json:"subtitle"`
	LinkBack    string      `json:"linkBack"`
	Description string      `json:"description"`
	MediaItems  []sentMedia `json:"mediaItems"`
	ActionLinks []sentLink  `json:"actionLinks"`
}

// sentMedia is an image, a flash film or video, or a song. What no network shows must
// have its type all the same.
type sentMedia struct {
	Type            string `json:"type"`
	Src             string `json:"src"`
	Href            string `json:"href"`
	PreviewImageURL string `json:"previewImageURL"`

	Width              number `json:"width"`
	Height             number `json:"height"`
	PreviewImageWidth  number `json:"previewImageWidth"`
	PreviewImageHeight number `json:"previewImageHeight"`
	Title              string `json:"title"`
	Artist             string `json:"artist"`
	Album              string `json:"album"`
}

// sentLink is a link below a post.
type sentLink struct {
	Title string `json:"title"`
	Href  string `json:"href"`
}

// number is one that may stand in quotes, or be empty there. Its value is not needed.
type number struct{}

func (*number) UnmarshalJSON(raw []byte) error {
	text := string(raw)
	if raw[0] == '"' {
		if err := json.Unmarshal(raw, &text); err != nil {
			return err
		}
		if text = strings.TrimSpace(text); text == "" {
			return nil
		}
	}
	var value float64
	if err := json.Unmarshal([]byte(text), &value); err != nil { // null is none
		return &json.UnmarshalTypeError{Value: quote(text), Type: reflect.TypeFor[float64]()}
	}
	return nil
}

// The types of media: contract, section 6. Videos are as good as flash films.
const (
	imageMedia = "image"
	flashMedia = "flash"
	soundMedia = "mp3"
)

// userAction is a user action as it is published.
type userAction struct {
	parts publish.Parts // without what is said of the whole share
	media bool          // it came with an image, a video or a song
	urls  []namedURL    // that the site must approve
}

// namedURL is a URL and where in the action it stands.
type namedURL struct{ name, url string }

// readAction reads a user action from a parameter, whose name is given in lower case.
func readAction(p *parameters, name string) (a userAction, sent bool, err error) {
	var from sentAction
	if sent, err = p.object(name, &from); !sent {
		return a, false, err
	}
	for _, text := range []*string{&from.UserMessage, &from.Title, &from.Subtitle, &from.Description} {
		*text = strings.TrimSpace(*text)
	}
	from.LinkBack = typedURL(from.LinkBack)
	a.parts.Action = new(publish.Action)
	for _, read := range []func(sentAction) error{a.takeWords, a.takeMedia, a.takeLinks} {
		if err := read(from); err != nil {
			return a, true, invalid(p.spelling(name), "%v", err)
		}
	}
	if a.parts.Text == nil && from.Title == "" && from.LinkBack == "" && !a.media {
		return a, true, missing(p.spelling(name))
	}
	return a, true, nil
}

// takeWords takes what is not in a list. The error of this and the next ones is for the
// caller.
func (a *userAction) takeWords(from sentAction) error {
	if text := strings.TrimSpace(plain(from.UserMessage)); text != "" {
		a.parts.Text = &publish.Text{Body: text}
	}
	for _, word := range []struct{ name, text string }{{"title", from.Title}, {"subtitle", from.Subtitle}, {"description", from.Description}} {
		if len(word.text) > publish.MaxWords {
			return fmt.Errorf("%s: it is longer than %d bytes", word.name, publish.MaxWords)
		}
	}
	l := publish.Link{URL: from.LinkBack, Name: from.Title, Caption: from.Subtitle, Description: from.Description}
	if l != (publish.Link{}) {
		a.parts.Link = &l
	}
	return a.leadTo("linkBack", l.URL)
}

// takeMedia takes the media items. Of several the first one is shown.
func (a *userAction) takeMedia(from sentAction) error {
	if len(from.MediaItems) > maxItems {
		return fmt.Errorf("mediaItems: there are more than %d", maxItems)
	}
	known := ""
	for i, item := range from.MediaItems {
		name := fmt.Sprintf("mediaItems[%d].", i)
		kind := lower(strings.TrimSpace(item.Type))
		src, href, preview := typedURL(item.Src), typedURL(item.Href), typedURL(item.PreviewImageURL)
		switch kind {
		case imageMedia, flashMedia, soundMedia:
		case "video":
			kind = flashMedia
		case "":
			if src == "" {
				continue // an empty item
			}
			fallthrough
		default:
			return fmt.Errorf("%stype: it must be image, flash, video or mp3", name)
		}
		if known != "" && kind != known {
			return fmt.Errorf("mediaItems: only one media type is allowed")
		}
		known = kind
		if src == "" {
			continue
		}
		if err := link.CheckTarget(src); err != nil {
			return fmt.Errorf("%ssrc: %w", name, err)
		}
		if preview != "" {
			if err := link.CheckTarget(preview); err != nil {
				return fmt.Errorf("%spreviewImageURL: %w", name, err)
			}
		}
		if err := a.leadTo(name+"href", href); err != nil {
			return err
		}
		if !a.media {
			a.show(kind, src, href, preview)
		}
	}
	return nil
}

// show takes the first of the media items.
func (a *userAction) show(kind, src, href, preview string) {
	a.media = true
	switch kind {
	case imageMedia:
		a.parts.Picture = &publish.Media{URL: src, Link: href}
	case flashMedia:
		a.parts.Video = &publish.Media{URL: src}
		if preview != "" {
			a.parts.Picture = &publish.Media{URL: preview}
		}
	case soundMedia:
		a.parts.Action.Audio = true
	}
}

// takeLinks takes the action links.
func (a *userAction) takeLinks(from sentAction) error {
	if len(from.ActionLinks) > maxItems {
		return fmt.Errorf("actionLinks: there are more than %d", maxItems)
	}
	for i, l := range from.ActionLinks {
		name := fmt.Sprintf("actionLinks[%d].", i)
		title, href := strings.TrimSpace(l.Title), typedURL(l.Href)
		if href == "" {
			continue
		}
		if len(title) > publish.MaxWords {
			return fmt.Errorf("%stitle: it is longer than %d bytes", name, publish.MaxWords)
		}
		if err := a.leadTo(name+"href", href); err != nil {
			return err
		}
		a.parts.Action.Links = append(a.parts.Action.Links, publish.ActionLink{Title: title, URL: href})
	}
	return nil
}

// typedURL is a URL as people type it, with its blanks encoded.
func typedURL(text string) string { return strings.ReplaceAll(strings.TrimSpace(text), " ", "%20") }

// leadTo notes a URL that people can follow. One with user info counts as one here,
// since it is for its approval to refuse it.
func (a *userAction) leadTo(name, raw string) error {
	if raw == "" {
		return nil
	}
	err := link.CheckTarget(raw)
	if err != nil {
		if u, parseErr := url.Parse(raw); parseErr == nil && u.User != nil {
			u.User = nil
			err = link.CheckTarget(u.String())
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	a.urls = append(a.urls, namedURL{name, raw})
	return nil
}

// approved are the patterns of URLs that a site may share: its own, and those of our
// short URLs: contract, sections 9 and 16.
func approved(s site.Site, bases link.Bases) []string {
	patterns := slices.Clone(s.Gigya.Trusted)
	for _, base := range bases {
		patterns = append(patterns, base.Host()+"/*")
	}
	return patterns
}

// unapproved is the first URL that no pattern approves, if any.
func (a userAction) unapproved(patterns []string) (u namedURL, found bool) {
	for _, u := range a.urls {
		if !site.Trusts(patterns, u.url) {
			return u, true
		}
	}
	return u, false
}

// refusal says why a provider gets nothing of an action; nil: it gets something.
func (a userAction) refusal(patterns []string, provider string) *fault {
	switch u, found := a.unapproved(patterns); {
	case found && link.CheckTarget(u.url) != nil: // it is not repeated: there may be a password in it
		return &fault{code: codeSpam, details: u.name + " has user info before its host, which is never approved."}
	case found:
		return &fault{code: codeSpam, details: fmt.Sprintf("%s is not among the approved URLs of this site: %s", u.name, quote(u.url))}
	case !a.parts.Of(provider).Empty():
		return nil
	case a.media:
		return &fault{code: codeMedia, details: "It shows no media of this type, and the action has nothing else that it shows."}
	case provider == "twitter":
		return &fault{code: codeUnsupported, details: "It shows only the title and the linkBack of a user action, and this one has neither."}
	}
	return &fault{code: codeUnsupported, details: "It shows nothing of what this user action has."}
}

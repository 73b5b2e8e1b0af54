package publish

import "strings"

// shape is what a provider shows of a user action, beside the name and the URL of its
// link: contract of Gigya, section 7. Other parts are left out for it.
type shape struct {
	text        bool // what the user wrote
	describes   bool // the link's description stands in for a text that is missing
	caption     bool // of the link
	description bool // of the link
	picture     bool // the first one
	leads       bool // the picture leads somewhere
	video       bool
	below       bool // a link below the post
}

// shapes are those of the providers that the contract speaks of.
var shapes = map[string]shape{
	"facebook":  {text: true, caption: true, description: true, picture: true, leads: true, video: true, below: true},
	"twitter":   {},
	"linkedin":  {text: true, description: true, picture: true},
	"vkontakte": {text: true, describes: true, picture: true},
	"renren":    {text: true, describes: true, picture: true},
	"sina":      {text: true, describes: true, picture: true},
}

// otherShape is that of all others: what is common to networks.
var otherShape = shape{text: true, caption: true, description: true, picture: true, video: true}

// Of returns the parts as a provider's network shows them, to be rendered like those of
// any message. For most messages they are the parts. Of a user action it takes those
// that are for the provider, and of them what the provider shows; a title without a link
// becomes text. The parts are shared, not copied.
func (parts Parts) Of(provider string) Parts {
	if o, found := parts.Overrides[provider]; found {
		parts.Text, parts.Link, parts.Picture, parts.Video, parts.Action = o.Text, o.Link, o.Picture, o.Video, o.Action
	}
	parts.Overrides = nil
	if parts.Action == nil {
		return parts
	}
	s, known := shapes[provider]
	if !known {
		s = otherShape
	}
	if parts.Link != nil {
		l := *parts.Link
		if s.describes && parts.Text == nil && l.Description != "" {
			parts.Text = &Text{Body: l.Description}
		}
		if !s.caption {
			l.Caption = ""
		}
		if !s.description {
			l.Description = ""
		}
		parts.Link = &l
	}
	if !s.text {
		parts.Text = nil
	}
	if l := parts.Link; l != nil && l.URL == "" {
		parts.Text, parts.Link = joinLines(l.Name, l.Caption, parts.Text, l.Description), nil
	}
	switch {
	case !s.picture:
		parts.Picture = nil
	case parts.Picture != nil && !s.leads:
		parts.Picture = &Media{URL: parts.Picture.URL}
	}
	if !s.video {
		parts.Video = nil
	}
	if !s.below {
		parts.Action = &Action{}
	} else if links := parts.Action.Links; len(links) > 1 {
		parts.Action = &Action{Links: links[:1:1]}
	}
	return parts
}

// joinLines makes a text of what is there.
func joinLines(name, caption string, text *Text, description string) *Text {
	lines := []string{name, caption}
	if text != nil {
		lines = append(lines, text.Body)
	}
	lines = append(lines, description)
	kept := lines[:0]
	for _, line := range lines {
		if strings.TrimSpace(line) != "" {
			kept = append(kept, line)
		}
	}
	if len(kept) == 0 {
		return nil
	}
	return &Text{Body: strings.Join(kept, "\n")}
}

// checksIn says whether the parts tell that the user is somewhere.
func (parts Parts) checksIn() bool { return parts.Share != nil && parts.Share.Kind == CheckinShare }

// Empty says whether there is nothing in the parts that a network could show.
func (parts Parts) Empty() bool {
	return (parts.Text == nil || strings.TrimSpace(parts.Text.Body) == "") &&
		parts.Link == nil && parts.Picture == nil && parts.Video == nil && len(parts.Uploads) == 0
}

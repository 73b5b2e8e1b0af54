package oneall

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"

	"herald.example/internal/link"
	"herald.example/internal/publish"
)

// sharingBody is the request to publish, or to publish again: contract, sections 5
// and 6.
type sharingBody struct {
	Message part[struct {
		ForUser part[struct {
			User      string   `json:"user_token"`
			Providers []string `json:"providers"`
		}] `json:"publish_for_user"`
		ForIdentity part[struct {
			Identity string `json:"identity_token"`
		}] `json:"publish_for_identity"`
		Parts part[wireParts] `json:"parts"`
	}] `json:"sharing_message"`
}

// messageBody is the older request to publish: contract, section 9.
type messageBody struct {
	Message part[struct {
		Action    string          `json:"action"`
		Providers []string        `json:"providers"`
		Parts     part[wireParts] `json:"parts"`
	}] `json:"message"`
}

// What stands around the parts of a message, by the name that faults give it.
const (
	inSharing = "request.sharing_message"
	inMessage = "request.message"
)

// wireParts is the content of a message as it comes.
type wireParts struct {
	Text part[struct {
		Body string `json:"body"`
	}] `json:"text"`
	Video   part[wireMedia] `json:"video"`
	Picture part[wireMedia] `json:"picture"`
	Link    part[struct {
		URL         string `json:"url"`
		Name        string `json:"name"`
		Caption     string `json:"caption"`
		Description string `json:"description"`
	}] `json:"link"`
	Uploads []struct {
		Name string `json:"name"`
		Data string `json:"data"`
	} `json:"uploads"`
	Flags part[struct {
		Tracking flag `json:"enable_tracking"`
	}] `json:"flags"`
}

// wireMedia is a picture or a video. Caption comes with the actions push_picture and
// push_video only.
type wireMedia struct {
	URL     string `json:"url"`
	Caption string `json:"caption"`
}

// request is what is to be published. Of a message that is published again the parts
// are those it has.
func (b sharingBody) request(withParts bool) (r publish.Request, err error) {
	const where = inSharing
	m := b.Message.v
	switch {
	case !b.Message.sent:
		return r, badRequest("%s is missing; it says what to publish, and for whom.", where)
	case m.ForUser.sent && m.ForIdentity.sent:
		return r, badRequest("%s has both publish_for_user and publish_for_identity; send one of them.", where)
	case m.ForUser.sent:
		if r.Target.User, err = bodyToken(where+".publish_for_user.user_token", "user", m.ForUser.v.User); err != nil {
			return r, err
		}
		if r.Target.Providers, err = providers(where+".publish_for_user.providers", m.ForUser.v.Providers); err != nil {
			return r, err
		}
	case m.ForIdentity.sent:
		if r.Target.Identity, err = bodyToken(where+".publish_for_identity.identity_token", "identity", m.ForIdentity.v.Identity); err != nil {
			return r, err
		}
	default:
		return r, badRequest("%s has neither publish_for_user nor publish_for_identity; send one of them.", where)
	}
	if withParts {
		r.Parts, err = m.Parts.v.parts(where + ".parts")
	}
	return r, err
}

// request is what is to be published for a user.
func (b messageBody) request(user string) (r publish.Request, err error) {
	const where = inMessage
	if !b.Message.sent {
		return r, badRequest("%s is missing; it says what to publish, and where.", where)
	}
	m := b.Message.v
	r.Target.User = user
	if r.Target.Providers, err = providers(where+".providers", m.Providers); err != nil {
		return r, err
	}
	parts := m.Parts.v
	if strings.HasPrefix(m.Action, "push_") {
		parts = pushed(m.Action, parts)
	}
	r.Parts, err = parts.parts(where + ".parts")
	return r, err
}

// pushed turns the parts of a push into those of a message: the caption is its text,
// and the video of a push_video may stand in the place of the picture, where php-sdk
// puts it.
func pushed(action string, p wireParts) wireParts {
	if action == "push_video" && !p.Video.sent {
		p.Video, p.Picture = p.Picture, part[wireMedia]{}
	}
	for _, m := range []wireMedia{p.Picture.v, p.Video.v} {
		if !p.Text.sent && m.Caption != "" {
			p.Text.sent, p.Text.v.Body = true, m.Caption
		}
	}
	return p
}

// Bounds of a list of providers.
const (
	maxProviders   = 100
	maxProviderKey = 64 // bytes
)

// providers holds a list of provider keys against the rules. Keys that nobody knows
// are for the publisher to refuse, each by itself (contract, section 14-5).
func providers(where string, keys []string) ([]string, error) {
	if len(keys) == 0 {
		return nil, badRequest("%s is missing or empty; name at least one provider.", where)
	}
	if len(keys) > maxProviders {
		return nil, badRequest("%s names %d providers; at most %d are taken.", where, len(keys), maxProviders)
	}
	for i, key := range keys {
		if key == "" || len(key) > maxProviderKey {
			return nil, badRequest("%s[%d] is no provider; send a key such as twitter.", where, i)
		}
	}
	return keys, nil
}

// parts holds the content against the rules that can be named here, and decodes
// uploads. A part without content counts as not sent.
func (w wireParts) parts(where string) (p publish.Parts, err error) {
	if body := w.Text.v.Body; strings.TrimSpace(body) != "" {
		p.Text = &publish.Text{Body: body}
	}
	if l := w.Link.v; l.URL != "" {
		p.Link = &publish.Link{URL: l.URL, Name: l.Name, Caption: l.Caption, Description: l.Description}
		if err := checkURL(where+".link.url", l.URL); err != nil {
			return p, err
		}
	} else if l.Name != "" || l.Caption != "" || l.Description != "" {
		return p, badRequest("%s.link.url is missing; a link needs its URL.", where)
	}
	if p.Picture, err = w.Picture.v.media(where + ".picture.url"); err != nil {
		return p, err
	}
	if p.Video, err = w.Video.v.media(where + ".video.url"); err != nil {
		return p, err
	}
	for i, u := range w.Uploads {
		upload, err := decodeUpload(fmt.Sprintf("%s.uploads[%d]", where, i), u.Name, u.Data)
		if err != nil {
			return p, err
		}
		p.Uploads = append(p.Uploads, upload)
	}
	p.Tracking, p.FlagSent = w.Flags.v.Tracking.on, w.Flags.v.Tracking.sent
	if p.Text == nil && p.Link == nil && p.Picture == nil && p.Video == nil && len(p.Uploads) == 0 {
		return p, badRequest("%s has nothing to publish; send at least one of text.body, link.url, picture.url, video.url and uploads.", where)
	}
	return p, nil
}

// media is a picture or a video, nil when none was sent.
func (m wireMedia) media(where string) (*publish.Media, error) {
	if m.URL == "" {
		return nil, nil
	}
	return &publish.Media{URL: m.URL}, checkURL(where, m.URL)
}

// checkURL refuses what is no URL of a page or a file.
func checkURL(where, url string) error {
	if err := link.CheckTarget(url); err != nil {
		return badRequest("%s is no http or https URL: %s.", where, strings.TrimPrefix(err.Error(), link.ErrTarget.Error()+": "))
	}
	return nil
}

// decodeUpload reads a file in base64. Line breaks and spaces, which some encoders
// put in, are passed over.
func decodeUpload(where, name, data string) (publish.Upload, error) {
	if strings.ContainsAny(data, " \t\r\n") {
		data = strings.NewReplacer(" ", "", "\t", "", "\r", "", "\n", "").Replace(data)
	}
	if data == "" {
		return publish.Upload{}, badRequest("%s.data is missing; send the file in base64.", where)
	}
	raw, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		return publish.Upload{}, badRequest("%s.data is no base64 (RFC 4648, section 4, with padding).", where)
	}
	return publish.Upload{Name: name, Type: http.DetectContentType(raw), Size: len(raw), Data: raw}, nil
}

// partsNode shows the parts that were sent, and no others: contract, section 7.
// A user action of Gigya's dialect is shown as a network would show it that nobody knows
// better.
func partsNode(p publish.Parts) object {
	p = p.Of("")
	node := object{}
	if p.Text != nil {
		node = append(node, member{"text", object{{"body", p.Text.Body}}})
	}
	if p.Video != nil {
		node = append(node, member{"video", object{{"url", p.Video.URL}}})
	}
	if p.Picture != nil {
		node = append(node, member{"picture", object{{"url", p.Picture.URL}}})
	}
	if l := p.Link; l != nil {
		node = append(node, member{"link", object{{"url", l.URL}}.
			WithText("name", l.Name).WithText("caption", l.Caption).WithText("description", l.Description)})
	}
	if len(p.Uploads) > 0 {
		uploads := make(list, len(p.Uploads))
		for i, u := range p.Uploads {
			uploads[i] = object{{"name", u.Name}, {"type", u.Type}, {"size", u.Size}}
		}
		node = append(node, member{"uploads", uploads})
	}
	if p.Tracking {
		node = append(node, member{"flags", object{{"enable_tracking", "1"}}})
	} else if p.FlagSent {
		node = append(node, member{"flags", object{{"enable_tracking", "0"}}})
	}
	return node
}

package bluesky

import (
	"context"
	"errors"
	"time"

	"herald.example/internal/publish"
	"herald.example/internal/publish/render"
	"herald.example/internal/site"
)

// collection is where the posts of an account are.
const collection = "app.bsky.feed.post"

// maxImages is the number of pictures in a post (lexicon app.bsky.embed.images).
const maxImages = 4

// record is a post as it is kept (lexicon app.bsky.feed.post).
type record struct {
	Type      string  `json:"$type"`
	Text      string  `json:"text"`
	CreatedAt string  `json:"createdAt"`
	Facets    []facet `json:"facets,omitempty"`
	Embed     *embed  `json:"embed,omitempty"`
}

// embed is what stands below the text: a card or pictures, never both.
type embed struct {
	Type     string    `json:"$type"`
	External *external `json:"external,omitempty"`
	Images   []picture `json:"images,omitempty"`
}

// external is the card of a link. Title and description must be there, and may be
// empty: nobody asks the page for them.
type external struct {
	URI         string `json:"uri"`
	Title       string `json:"title"`
	Description string `json:"description"`
	Thumb       *blob  `json:"thumb,omitempty"`
}

// picture is a picture of a post. Alt must be there, and may be empty.
type picture struct {
	Image       blob   `json:"image"`
	Alt         string `json:"alt"`
	AspectRatio *ratio `json:"aspectRatio,omitempty"`
}

// ratio lets readers leave room for a picture before it is there.
type ratio struct {
	Width  int `json:"width"`
	Height int `json:"height"`
}

// blob names bytes that were uploaded.
type blob struct {
	Type string `json:"$type"`
	Ref  struct {
		Link string `json:"$link"`
	} `json:"ref"`
	MIMEType string `json:"mimeType"`
	Size     int64  `json:"size"`
}

// record makes the record of a post and uploads its pictures. The note says what
// was lost.
func (n *Network) record(ctx context.Context, base string, who site.Opened, post render.Post) (r record, note string, err error) {
	r = record{
		Type:      collection,
		Text:      post.Text,
		CreatedAt: createdAt(post),
		Facets:    facets(post, func(handle string) string { return n.resolve(ctx, base, handle) }),
	}
	switch {
	case post.Link != nil:
		card := &external{URI: post.Link.URL, Title: post.Link.Name, Description: post.Link.Description}
		if len(post.Media) > 0 {
			thumb, _, err := n.upload(ctx, base, who, post.Media[0])
			if e, ok := errors.AsType[*publish.Error](err); ok && e.Kind == publish.MediaInvalid {
				note = "the card of the link has no picture: " + e.Message
			} else if err != nil {
				return record{}, "", err
			} else {
				card.Thumb = &thumb
			}
		}
		r.Embed = &embed{Type: "app.bsky.embed.external", External: card}
	case len(post.Media) > maxImages:
		return record{}, "", refuse(publish.MediaInvalid, "a post takes 4 pictures")
	case len(post.Media) > 0:
		r.Embed = &embed{Type: "app.bsky.embed.images"}
		for _, m := range post.Media {
			b, size, err := n.upload(ctx, base, who, m)
			if err != nil {
				return record{}, "", err
			}
			r.Embed.Images = append(r.Embed.Images, picture{b, m.Alt, size})
		}
	}
	return r, note, nil
}

// createdAt is the time of a post as records have it.
func createdAt(post render.Post) string {
	return time.UnixMilli(post.Created).UTC().Format("2006-01-02T15:04:05.000Z")
}

// upload sends a picture, made small enough. It can be repeated: the same bytes
// are the same blob, and the server drops blobs that no record names.
func (n *Network) upload(ctx context.Context, base string, who site.Opened, m render.Media) (blob, *ratio, error) {
	p, err := n.fit(ctx, m)
	if err != nil {
		return blob{}, nil, err
	}
	var answer struct {
		Blob blob `json:"blob"`
	}
	if err := n.post(ctx, base, "com.atproto.repo.uploadBlob", who.Credentials, p.mime, p.data, &answer); err != nil {
		return blob{}, nil, err
	}
	if b := answer.Blob; b.Type != "blob" || b.Ref.Link == "" || b.Size != int64(len(p.data)) {
		return blob{}, nil, refuse(publish.Transient, "the server does not name the picture that it took")
	}
	if p.width == 0 || p.height == 0 {
		return answer.Blob, nil, nil
	}
	return answer.Blob, &ratio{p.width, p.height}, nil
}

package publish

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"herald.example/internal/fetch"
	"herald.example/internal/publish/render"
)

// files are the pictures and videos of a round, fetched once for all networks. The
// zero value is ready.
type files struct {
	mu      sync.Mutex // protects fetched
	fetched map[string]func() (render.Media, error)
}

// fetch brings a file, or hands out what was brought. A failure is kept, too: the
// round's other networks would meet it as well. It is an *Error without a network:
// MediaInvalid when the file is to blame, Transient when the world is.
func (f *files) fetch(ctx context.Context, from Fetcher, url string) (render.Media, error) {
	f.mu.Lock()
	if f.fetched == nil {
		f.fetched = make(map[string]func() (render.Media, error))
	}
	file := f.fetched[url]
	if file == nil {
		file = sync.OnceValues(func() (render.Media, error) { return bring(ctx, from, url) })
		f.fetched[url] = file
	}
	f.mu.Unlock()
	return file()
}

// bring fetches a file.
func bring(ctx context.Context, from Fetcher, url string) (render.Media, error) {
	media, err := from.Fetch(ctx, url, MaxUpload)
	switch {
	case err == nil:
		return render.Media{Name: media.Name, Type: media.Type, Data: media.Data}, nil
	case fetch.Mistake(err):
		return render.Media{}, &Error{Kind: MediaInvalid, Message: "The picture or video cannot be used: " + err.Error() + ".", Err: err}
	}
	return render.Media{}, &Error{Kind: Transient, Message: "The picture or video cannot be fetched now: " + err.Error() + ".", Err: err}
}

// content is the message of a publication with its links and files, for a network
// of the profile. What the network has no room for is not fetched.
func (p *Publisher) content(ctx context.Context, f *flight, pub Publication, profile render.Profile) (render.Content, []render.Loss, error) {
	parts := f.message.Parts
	c := render.Content{}
	if parts.Text != nil {
		c.Text = parts.Text.Body
	}
	if l := parts.Link; l != nil {
		c.Link = &render.Link{URL: l.URL, Name: l.Name, Caption: l.Caption, Description: l.Description}
	}
	if len(pub.Links) > 0 {
		bases, err := p.Bases(ctx)
		if err != nil {
			return c, nil, &Error{Kind: Transient, Network: pub.Provider, Message: "The short URLs could not be made.", Err: err}
		}
		c.Tracked = make(map[string]string, len(pub.Links))
		for _, l := range pub.Links {
			if l.Deleted && pub.State == Pending { // nobody shall get a dead link
				continue
			}
			c.Tracked[l.Target] = bases.ShortURL(l.Ref)
		}
	}
	var losses []render.Loss
	if parts.Video != nil {
		loss, err := p.addVideo(ctx, f, pub, profile, &c)
		if err != nil {
			return c, nil, err
		}
		if loss != "" {
			losses = append(losses, loss)
		}
	}
	if parts.Picture != nil {
		if profile.Pictures == 0 {
			losses = append(losses, "the picture is not shown")
		} else {
			media, err := f.files.fetch(ctx, p.o.Fetcher, parts.Picture.URL)
			if err != nil {
				return c, nil, err
			}
			c.Media = append(c.Media, media)
		}
	}
	for i, u := range parts.Uploads {
		data, err := p.o.Store.Upload(ctx, pub.Site, pub.Message, i)
		if err != nil {
			return c, nil, fmt.Errorf("read upload %d of %s: %w", i, pub.Message, err)
		}
		c.Media = append(c.Media, render.Media{Name: u.Name, Type: u.Type, Data: data})
	}
	return c, losses, nil
}

// addVideo adds the video: as a file, where the network takes videos and the URL
// leads to one, else as a link.
func (p *Publisher) addVideo(ctx context.Context, f *flight, pub Publication, profile render.Profile, c *render.Content) (render.Loss, error) {
	url := f.message.Parts.Video.URL
	if profile.Videos > 0 {
		media, err := f.files.fetch(ctx, p.o.Fetcher, url)
		if err == nil && strings.HasPrefix(media.Type, "video/") {
			c.Media = append(c.Media, media)
			return "", nil
		}
		// A page that shows a video is no file, but a fine link.
		if e, ok := errors.AsType[*Error](err); err != nil && (!ok || e.Kind != MediaInvalid) {
			return "", err
		}
	}
	if c.Link == nil {
		c.Link = &render.Link{URL: url}
	} else {
		if c.Text != "" {
			c.Text += "\n"
		}
		c.Text += url
	}
	return "the video is shown as a link", nil
}

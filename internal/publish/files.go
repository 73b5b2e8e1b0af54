package publish

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"herald.example/internal/fetch"
	"herald.example/internal/publish/render"
	"herald.example/internal/share"
)

// files are the pictures and videos of a round, brought into memory once for all its
// networks. Make one with newFiles.
type files struct {
	loading sync.Mutex // held while room is taken

	mu      sync.Mutex // protects what follows
	users   int        // flights of the round under way
	holds   map[string]*share.Hold
	brought map[string]func() (render.Media, error)
}

func newFiles() *files {
	return &files{holds: make(map[string]*share.Hold), brought: make(map[string]func() (render.Media, error))}
}

// use says that one more flight of the round is under way. It leaves when it has ended.
func (f *files) use() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.users++
}

// leave is the end of a use. The last one forgets what was brought, and gives back the
// room for it.
func (f *files) leave() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.users--; f.users > 0 {
		return
	}
	for _, hold := range f.holds {
		hold.Release()
	}
	clear(f.holds)
	clear(f.brought)
}

// reserve takes room for files before they are brought, all at once, of which sizes are
// the most bytes they can have. Those that have room need none.
func (f *files) reserve(ctx context.Context, media *share.Pool, site string, sizes map[string]int64) error {
	f.loading.Lock()
	defer f.loading.Unlock()
	need := int64(0)
	f.mu.Lock()
	for name := range f.holds {
		delete(sizes, name)
	}
	f.mu.Unlock()
	for _, size := range sizes {
		need += size
	}
	hold, err := media.Take(ctx, site, need)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for name := range sizes {
		f.holds[name] = hold
	}
	return nil
}

// bring brings a file that has room of size bytes into memory, or hands out what was
// brought. A failure is kept, too: the round's other networks would meet it as well.
func (f *files) bring(name string, size int64, from func() (render.Media, error)) (render.Media, error) {
	f.mu.Lock()
	file := f.brought[name]
	if file == nil {
		file = sync.OnceValues(func() (render.Media, error) {
			media, err := from()
			f.mu.Lock()
			defer f.mu.Unlock()
			f.holds[name].Give(size - int64(len(media.Data)))
			return media, err
		})
		f.brought[name] = file
	}
	f.mu.Unlock()
	return file()
}

// load takes room for the files of a message that a network shows.
func (p *Publisher) load(ctx context.Context, f *flight, pub Publication, profile render.Profile) error {
	parts, sizes := f.parts, make(map[string]int64)
	if parts.Picture != nil && profile.Pictures > 0 {
		sizes[parts.Picture.URL] = MaxUpload
	}
	if parts.Video != nil && profile.Videos > 0 {
		sizes[parts.Video.URL] = MaxUpload
	}
	for i, u := range parts.Uploads {
		sizes[uploadName(i)] = int64(u.Size)
	}
	if len(sizes) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, laneTimeout)
	defer cancel()
	if err := f.files.reserve(ctx, p.media, pub.Site, sizes); err != nil {
		return &Error{Kind: Transient, Network: pub.Provider, Message: "This server holds as many pictures and videos as it can; it goes on later.", Err: err}
	}
	return nil
}

// uploadName is an upload among files, which no URL is called.
func uploadName(index int) string { return fmt.Sprint("upload ", index) }

// fetch brings a file from the web. The error is an *Error without a network:
// MediaInvalid when the file is to blame, Transient when the world is.
func (p *Publisher) fetch(ctx context.Context, f *flight, url string) (render.Media, error) {
	if f.parts.Action != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, actionFetch)
		defer cancel()
	}
	return f.files.bring(url, MaxUpload, func() (render.Media, error) { return bring(ctx, p.o.Fetcher, url) })
}

// upload brings an upload from the store.
func (p *Publisher) upload(ctx context.Context, f *flight, pub Publication, index int) (render.Media, error) {
	u := f.parts.Uploads[index]
	return f.files.bring(uploadName(index), int64(u.Size), func() (render.Media, error) {
		data, err := p.o.Store.Upload(ctx, pub.Site, pub.Message, index)
		if err != nil {
			return render.Media{}, fmt.Errorf("read upload %d of %s: %w", index, pub.Message, err)
		}
		return render.Media{Name: u.Name, Type: u.Type, Data: data}, nil
	})
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
	parts := f.parts
	c := words(parts, pub.Provider)
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
	if err := p.load(ctx, f, pub, profile); err != nil {
		return c, nil, err
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
		loss, err := p.addPicture(ctx, f, profile, &c)
		if err != nil {
			return c, nil, err
		}
		if loss != "" {
			losses = append(losses, loss)
		}
	}
	for i := range parts.Uploads {
		media, err := p.upload(ctx, f, pub, i)
		if err != nil {
			return c, nil, err
		}
		c.Media = append(c.Media, media)
	}
	return c, losses, nil
}

// words are what parts say, without files and links.
func words(parts Parts, provider string) render.Content {
	var c render.Content
	if parts.Text != nil {
		c.Text = parts.Text.Body
	}
	if l := parts.Link; l != nil {
		c.Link = &render.Link{URL: l.URL, Name: l.Name, Caption: l.Caption, Description: l.Description}
	}
	if parts.Action != nil {
		c.NameFirst = true
		if len(parts.Action.Links) > 0 {
			c.Below = &render.Link{URL: parts.Action.Links[0].URL, Name: parts.Action.Links[0].Title}
		}
	}
	// Where the user is, is for Twitter alone, but in a check-in: contract of Gigya, sections 5 and 14.
	if s := parts.Share; s != nil && s.Location != nil && (provider == "twitter" || parts.checksIn()) {
		at := render.Location(*s.Location)
		c.Location = &at
	}
	return c
}

// actionFetch is how long a user action waits for its picture or video: its caller
// waits for it, too.
const actionFetch = 5 * time.Second

// addPicture adds the picture, where the network takes pictures. A user action goes out
// without one that cannot be had, if it says something besides: its clients know it as
// what the network may show.
func (p *Publisher) addPicture(ctx context.Context, f *flight, profile render.Profile, c *render.Content) (render.Loss, error) {
	if profile.Pictures == 0 {
		return "the picture is not shown", nil
	}
	media, err := p.fetch(ctx, f, f.parts.Picture.URL)
	if _, ok := errors.AsType[*Error](err); ok && f.parts.Action != nil && !c.Empty() {
		return "the picture is not shown: it could not be fetched, or is none", nil
	}
	if err == nil {
		media.Link = f.parts.Picture.Link
		c.Media = append(c.Media, media)
	}
	return "", err
}

// addVideo adds the video: as a file, where the network takes videos and the URL
// leads to one, else as a link, which user actions do not make of it.
func (p *Publisher) addVideo(ctx context.Context, f *flight, pub Publication, profile render.Profile, c *render.Content) (render.Loss, error) {
	url := f.parts.Video.URL
	if profile.Videos > 0 {
		media, err := p.fetch(ctx, f, url)
		if err == nil && strings.HasPrefix(media.Type, "video/") {
			c.Media = append(c.Media, media)
			return "", nil
		}
		if f.parts.Action != nil {
			return "the video is not shown: it could not be fetched, or is none", nil
		}
		// A page that shows a video is no file, but a fine link.
		if e, ok := errors.AsType[*Error](err); err != nil && (!ok || e.Kind != MediaInvalid) {
			return "", err
		}
	}
	if f.parts.Action != nil {
		return "the video is not shown", nil
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

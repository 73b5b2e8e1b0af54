package simulated

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"herald.example/internal/network"
	"herald.example/internal/publish"
	"herald.example/internal/publish/render"
	"herald.example/internal/site"
)

// patience is how long a call waits for its answer: as that of a real network does,
// see network.Client.
const patience = 30 * time.Second

// maxMedia bounds the pictures and videos of a post, in bytes: more than any
// network takes of pictures.
const maxMedia = 64 << 20

// uniqueAmong is how many of an account's newest posts a text is held against.
const uniqueAmong = 100

// Post is publish.Network.
func (f *face) Post(ctx context.Context, who site.Opened, post render.Post) (publish.Receipt, error) {
	if err := ctx.Err(); err != nil {
		return publish.Receipt{}, f.nothingSent(err)
	}
	p := f.draft(who, post)
	d, err := f.due(who, p)
	if err != nil {
		return publish.Receipt{}, err
	}
	if d != nil {
		switch d.behaviour.when {
		case unread:
			return publish.Receipt{}, &publish.Error{Kind: publish.Transient, Network: f.provider, Message: "the connection was closed before the request was read"}
		case refusal:
			return publish.Receipt{}, f.refuse(d)
		}
	}
	if err := f.check(p); err != nil {
		return publish.Receipt{}, err
	}
	if err := f.duplicate(ctx, who, p); err != nil {
		return publish.Receipt{}, err
	}
	if d == nil || !d.lost {
		kept, made, err := f.world.store.Put(ctx, p, f.rules.keyed)
		if err != nil { // and nothing was kept
			return publish.Receipt{}, f.nothingSent(err)
		}
		p = kept
		if made {
			f.world.made.Add(1)
			f.world.fetchers.announce(f.rules.agent, p)
		}
	}
	if d == nil {
		return f.receipt(p), nil
	}
	return f.answer(ctx, d, p)
}

// draft is a post as it comes to the network.
func (f *face) draft(who site.Opened, post render.Post) Post {
	p := Post{
		Provider: f.provider, Account: accountName(who), Key: post.Key, Made: f.world.now().UTC().Truncate(time.Millisecond),
		Text: post.Text, Spans: post.Spans, Link: post.Link, Below: post.Below, Location: post.Location,
	}
	for _, m := range post.Media {
		p.Media = append(p.Media, Media{
			Name: m.Name, Type: http.DetectContentType(m.Data), Alt: m.Alt, Link: m.Link, Size: len(m.Data), Data: m.Data,
		})
	}
	return p
}

// due returns the directive that this call shall follow, nil when there is none;
// or refuses an account that cannot post at all.
func (f *face) due(who site.Opened, p Post) (*directive, error) {
	account, err := f.authorize(who)
	if err != nil {
		return nil, err
	}
	call := func(directives []directive, name ...string) *directive {
		if nth(directives, 1) == nil {
			return nil
		}
		return nth(directives, f.world.calls.next(strings.Join(name, "\x00")))
	}
	if d := call(account, append(accountTexts(who), "account", f.provider)...); d != nil {
		return d, nil
	}
	var words []directive
	for _, text := range texts(p) {
		more, err := parseText(text)
		if err != nil {
			return nil, f.misunderstood(err)
		}
		words = append(words, more...)
	}
	publication := p.Key
	if publication == "" {
		publication = p.Text
	}
	return call(words[:min(len(words), maxDirectives)], publication, p.Account, "publication", f.provider), nil
}

// texts are where directives for a post stand, as readers see them: some networks
// want backslashes in front of the characters that directives are made of.
func texts(p Post) []string {
	if p.Link == nil {
		return []string{plain(p)}
	}
	return []string{plain(p), p.Link.Name, p.Link.Caption, p.Link.Description}
}

// refuse is the refusal that a directive asks for.
func (f *face) refuse(d *directive) *publish.Error {
	e := refuse(f.provider, d.behaviour.kind)
	if d.behaviour.forms {
		form := d.form
		if form == "" {
			form = f.rules.limit
		}
		if form == "" {
			form = "seconds"
		}
		now := f.world.now()
		answer := limitForms[form](d.span(), now)
		e.RetryAfter = waitOf(answer, now)
	}
	return e
}

// check refuses what the network does not take.
func (f *face) check(p Post) *publish.Error {
	say := func(kind publish.Kind, format string, args ...any) *publish.Error {
		e := refuse(f.provider, kind)
		e.Message = fmt.Sprintf(format, args...)
		return e
	}
	if strings.TrimSpace(p.Text) == "" && p.Link == nil && len(p.Media) == 0 {
		return say(publish.TextInvalid, "There is nothing to post.")
	}
	pictures, videos, size := 0, 0, 0
	for _, m := range p.Media {
		size += m.Size
		switch kind, _, _ := strings.Cut(m.Type, "/"); kind {
		case "image":
			pictures++
		case "video":
			videos++
		default:
			return say(publish.MediaInvalid, "%s is neither a picture nor a video.", m.Type)
		}
	}
	switch {
	case pictures > f.profile.Pictures:
		return say(publish.MediaInvalid, "There are %d pictures; %d are taken.", pictures, f.profile.Pictures)
	case videos > f.profile.Videos:
		return say(publish.MediaInvalid, "There are %d videos; %d are taken.", videos, f.profile.Videos)
	case size > maxMedia:
		return say(publish.MediaInvalid, "The pictures and videos have %d bytes; %d are taken.", size, maxMedia)
	case f.profile.NeedPicture && pictures == 0:
		return say(publish.MediaInvalid, "There is no picture.")
	case f.profile.NeedURL && len(linksOf(p)) == 0:
		return say(publish.LinkInvalid, "There is no link in the text.")
	}
	limits := f.profile
	if len(p.Media) > 0 && limits.MediaText != (render.Limits{}) {
		limits.Text = limits.MediaText
	}
	if !render.Fits(limits, p.Text) {
		used, most := render.Length(limits, p.Text)
		return say(publish.TextInvalid, "The text has %d characters, or some that are not taken; the limit is %d.", used, most)
	}
	return nil
}

// duplicate refuses a text that the account has posted, when it or the text asks for that.
func (f *face) duplicate(ctx context.Context, who site.Opened, p Post) error {
	asked := false
	for _, text := range append(accountTexts(who), texts(p)...) {
		directives, _ := parse(text) // what cannot be understood was refused before
		asked = asked || set(directives, "unique") != nil
	}
	if !asked {
		return nil
	}
	posts, err := f.world.store.Newest(ctx, Filter{Provider: p.Provider, Account: p.Account, Limit: uniqueAmong})
	if err != nil {
		return f.nothingSent(err)
	}
	for _, other := range posts {
		if !same(other, p) || f.rules.keyed && other.Key == p.Key && p.Key != "" {
			continue
		}
		e := refuse(f.provider, publish.Duplicate)
		if other.Key == p.Key && p.Key != "" {
			receipt := f.receipt(other)
			e.Landed = &receipt
		}
		return e
	}
	return nil
}

// same says whether readers would see the same post.
func same(a, b Post) bool {
	url := func(p Post) string {
		if p.Link == nil {
			return ""
		}
		return p.Link.URL
	}
	return a.Text == b.Text && url(a) == url(b) && len(a.Media) == len(b.Media)
}

// answer is what a caller hears of a post that was made, or got lost.
func (f *face) answer(ctx context.Context, d *directive, p Post) (publish.Receipt, error) {
	unknown := refuse(f.provider, publish.UnknownOutcome)
	if d.behaviour.when == broken {
		return publish.Receipt{}, unknown
	}
	unknown.Status, unknown.Message = 0, "no answer"
	answered := d.behaviour.when == late && d.span() < patience
	wait := patience
	if answered {
		wait = d.span()
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		unknown.Err = ctx.Err()
		return publish.Receipt{}, unknown
	case <-timer.C:
	}
	if answered {
		return f.receipt(p), nil
	}
	unknown.Err = context.DeadlineExceeded
	return publish.Receipt{}, unknown
}

// receipt is what the network gives for a post.
func (f *face) receipt(p Post) publish.Receipt {
	return publish.Receipt{ID: postID(p), URL: f.world.urlOf(p), At: p.Made}
}

// urlOf is where people see a post; empty when the world has no base.
func (w *World) urlOf(p Post) string {
	if w.base == "" {
		return ""
	}
	return fmt.Sprintf("%s/posts/%d", w.base, p.Number)
}

// postID is what the network calls a post.
func postID(p Post) string {
	if id := ruleBook[p.Provider].id; id != nil {
		return id(p.Account, p.Number)
	}
	return fmt.Sprint(p.Number)
}

// nothingSent is the error when nothing came to the network, or the network could
// not keep it.
func (f *face) nothingSent(err error) *publish.Error {
	return &publish.Error{Kind: publish.Transient, Network: f.provider, Message: "the simulated network is out of order", Err: err}
}

// misunderstood is the error for a directive that is none. It stands in the text or
// in the account, which people wrote, so it may be repeated to them.
func (f *face) misunderstood(err error) *publish.Error {
	e := refuse(f.provider, publish.TextInvalid)
	e.Message = network.Words([]byte(err.Error()))
	return e
}

// Find is publish.Finder. Where the network keeps keys, it knows for sure. Where an
// account can read what it posted, it finds a post by its text; when it is not
// there, a request may still be on its way. Elsewhere nobody can tell.
func (f *face) Find(ctx context.Context, who site.Opened, post render.Post) (publish.Receipt, publish.Finding, error) {
	if _, err := f.authorize(who); err != nil {
		return publish.Receipt{}, publish.Uncertain, err
	}
	p := f.draft(who, post)
	switch {
	case f.rules.keyed && p.Key != "":
		found, err := f.world.store.Keyed(ctx, p.Provider, p.Account, p.Key)
		if errors.Is(err, ErrNotFound) {
			return publish.Receipt{}, publish.Absent, nil
		} else if err != nil {
			return publish.Receipt{}, publish.Uncertain, f.nothingSent(err)
		}
		return f.receipt(found), publish.Found, nil
	case f.rules.feed:
		posts, err := f.world.store.Newest(ctx, Filter{Provider: p.Provider, Account: p.Account, Limit: uniqueAmong})
		if err != nil {
			return publish.Receipt{}, publish.Uncertain, f.nothingSent(err)
		}
		// Two publications may have the same text. Real networks cannot tell them apart;
		// this one does not say that a post is there when it is another's.
		i := slices.IndexFunc(posts, func(other Post) bool { return same(other, p) && other.Key == p.Key })
		if i >= 0 {
			return f.receipt(posts[i]), publish.Found, nil
		}
	}
	return publish.Receipt{}, publish.Uncertain, nil
}

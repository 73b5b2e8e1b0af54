package render

import (
	"errors"
	"fmt"
	"strings"

	"herald.example/internal/link"
)

// ErrNothing is returned by Render when nothing of the content can be shown on the
// network, or the network wants what the content does not have; the text says what.
var ErrNothing = errors.New("nothing to post")

// Render fits a message to a network. Key and Created of the post are left to the
// caller. The losses say what the network will not show. An error wraps ErrNothing.
func Render(p Profile, c Content) (Post, []Loss, error) {
	r := renderer{p: &p, tracked: c.Tracked, nameFirst: c.NameFirst}
	r.takeLink(c.Link)
	r.takeMedia(c.Media)
	r.placeLink()
	r.takeText(c.Text)
	r.takeBelow(c.Below)
	r.takeLocation(c.Location)
	if err := r.check(); err != nil {
		return Post{}, nil, err
	}
	return r.post, r.losses, nil
}

// renderer fits one message to a network, step by step.
type renderer struct {
	p         *Profile
	tracked   map[string]string
	nameFirst bool
	link      *Link // with its tracked URL; nil: none, or it is in the post already
	post      Post
	losses    []Loss
}

// lose notes a loss.
func (r *renderer) lose(format string, args ...any) {
	r.losses = append(r.losses, Loss(fmt.Sprintf(format, args...)))
}

// takeLink copies the link, with the short URLs in it.
func (r *renderer) takeLink(l *Link) {
	if l == nil {
		return
	}
	url := follow(r.tracked, l.URL)
	if link.CheckTarget(url) != nil {
		r.lose("the link is not shown: it is no http or https URL")
		return
	}
	r.link = &Link{URL: url, Name: r.line(l.Name), Caption: r.line(l.Caption), Description: r.line(l.Description)}
}

// line makes one line of a link's words, with the short URLs in it.
func (r *renderer) line(words string) string {
	var whole Profile // URLs are shown as they are
	return strings.ReplaceAll(whole.compose(words, r.tracked).text, "\n", " ")
}

// placeLink attaches the link, or leaves it for the text.
func (r *renderer) placeLink() {
	l := r.link
	if l == nil || r.p.Place == InText {
		return
	}
	if r.crowded() {
		r.lose("the link moved into the text")
		return
	}
	attached := Link{URL: l.URL}
	attached.Name = r.word("name", l.Name, r.p.Name)
	attached.Caption = r.word("caption", l.Caption, r.p.Caption)
	attached.Description = r.word("description", l.Description, r.p.Description)
	r.post.Link = &attached
}

// word fits one of an attached link's words to its limit. Words that are not shown
// are dealt with later: the name may serve as the text.
func (r *renderer) word(what, text string, limit Limit) string {
	if limit.Max == 0 || text == "" {
		return ""
	}
	d := draft{text: text}
	var plain Profile
	w := plain.walk(Limits{limit}, d, "")
	end, over := w.fit(cost{})
	if over.Max == 0 {
		return text
	}
	r.lose("the link's %s was cut to %d %s", what, over.Max, over.Unit)
	if end == 0 {
		return ""
	}
	return text[:end] + ellipsis
}

// loseWords notes which of the link's words are not shown.
func (r *renderer) loseWords(nameShown bool) {
	attached := r.post.Link != nil
	var lost []string
	note := func(what, text string, shown bool) {
		if text != "" && !shown {
			lost = append(lost, what)
		}
	}
	note("name", r.link.Name, nameShown || attached && r.p.Name.Max > 0)
	note("caption", r.link.Caption, attached && r.p.Caption.Max > 0)
	note("description", r.link.Description, attached && r.p.Description.Max > 0)
	switch last := len(lost) - 1; len(lost) {
	case 0:
	case 1:
		r.lose("the link's %s is not shown", lost[0])
	default:
		r.lose("the link's %s and %s are not shown", strings.Join(lost[:last], ", "), lost[last])
	}
}

// takeText makes the text, with the link at its end where that is its place.
func (r *renderer) takeText(text string) {
	if text = clean(text); !visible(text) {
		text = ""
	}
	if r.link != nil {
		// A name that has no other place is better than no text.
		serves := (text == "" || r.nameFirst) && (r.post.Link == nil || r.p.Name.Max == 0)
		if serves {
			text = strings.Trim(r.link.Name+"\n"+text, "\n")
		}
		r.loseWords(serves)
	}
	if r.p.NoTopic {
		text = r.dropTopics(text)
	}
	body := r.p.compose(text, r.tracked)
	url := ""
	if r.link != nil && r.post.Link == nil {
		if url = linkable(r.link.URL); url == "" {
			r.lose("the link is not shown: its host has characters that end a link in a text")
		}
	} else if r.p.NeedURL {
		url = body.firstURL() // must not be lost in the cut
	}
	limits := r.p.Text
	if len(r.post.Media) > 0 && r.p.MediaText != (Limits{}) {
		limits = r.p.MediaText
	}
	d := r.join(body, url, limits).escaped(r.p.Escape)
	r.post.Text, r.post.Spans = d.text, d.public()
}

// takeBelow takes a link that stands below the post, where the network has such links.
func (r *renderer) takeBelow(l *Link) {
	if l == nil {
		return
	}
	url := follow(r.tracked, l.URL)
	if r.p.Below.Max == 0 || link.CheckTarget(url) != nil {
		r.lose("the link below the post is not shown")
		return
	}
	r.post.Below = &Link{URL: url, Name: r.word("name below the post", r.line(l.Name), r.p.Below)}
}

// takeLocation says where the user is, where the network shows it.
func (r *renderer) takeLocation(l *Location) {
	if l != nil && r.p.Located {
		r.post.Location = l
	}
}

// join cuts the body as far as the limits and the link's URL want it, and puts the
// URL behind it when what stays of the body does not have it.
func (r *renderer) join(body draft, url string, limits Limits) draft {
	var tail draft
	atEnd := func() {
		if tail = r.p.ending(url, body.text != ""); r.tooLong(tail, limits) {
			url, tail = "", draft{}
		}
	}
	if url != "" && !body.has(url, len(body.text)) {
		atEnd()
	}
	end, over := r.fit(body, tail, limits)
	if url != "" && tail.text == "" && !body.has(url, end) { // it would be cut off
		atEnd()
		end, over = r.fit(body, tail, limits)
	}
	kept := body.cut(end)
	switch {
	case over.Max == 0:
	case end == 0:
		r.lose("the text is not shown: nothing of it fits into %d %s", over.Max, over.Unit)
		if tail.text != "" {
			return r.p.ending(url, false)
		}
	default:
		r.lose("the text was cut to %d %s", over.Max, over.Unit)
		if kept.endsInURL() {
			kept.text += " "
		}
		kept.text += ellipsis
	}
	return kept.add(tail)
}

// fit finds how much of the body stays before the tail, as walker.fit does.
func (r *renderer) fit(body, tail draft, limits Limits) (end int, over Limit) {
	w := r.p.walk(limits, body, r.p.Escape)
	return w.fit(r.p.count(limits, tail, r.p.Escape))
}

// tooLong says whether not even the link alone fits, and notes it.
func (r *renderer) tooLong(tail draft, limits Limits) bool {
	_, over := r.fit(tail, draft{}, limits)
	if over.Max > 0 {
		r.lose("the link is not shown: it is longer than %d %s", over.Max, over.Unit)
	}
	return over.Max > 0
}

// firstURL is the first URL of a draft; empty: it has none.
func (d draft) firstURL() string {
	for _, s := range d.spans {
		if s.Kind == URLSpan {
			return s.Value
		}
	}
	return ""
}

// dropTopics takes the marks from #topics#: a wide sign looks the same.
func (r *renderer) dropTopics(text string) string {
	text = clean(text)
	var b strings.Builder
	from, marks := 0, 0
	gap := func(to int) {
		marks += strings.Count(text[from:to], "#")
		b.WriteString(strings.ReplaceAll(text[from:to], "#", "＃"))
	}
	for _, u := range findURLs(text) {
		gap(u.Start)
		b.WriteString(text[u.Start:u.End])
		from = u.End
	}
	gap(len(text))
	if marks < 2 {
		return text
	}
	r.lose("topics are not marked")
	return b.String()
}

// check holds the post against what a network wants to see in it.
func (r *renderer) check() error {
	post := &r.post
	why := "the message is empty"
	switch {
	case r.p.NeedPicture && len(post.Media) == 0:
		why = r.p.Network + " wants a picture"
	case r.p.NeedURL && (draft{spans: post.Spans}).firstURL() == "":
		why = r.p.Network + " wants a URL in the text"
	case visible(post.Text) || post.Link != nil || len(post.Media) > 0:
		return nil
	case len(r.losses) > 0:
		words := make([]string, len(r.losses))
		for i, l := range r.losses {
			words[i] = string(l)
		}
		why = strings.Join(words, "; ")
	}
	return fmt.Errorf("%w: %s", ErrNothing, why)
}

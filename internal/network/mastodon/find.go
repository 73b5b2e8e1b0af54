package mastodon

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"herald.example/internal/publish"
	"herald.example/internal/publish/render"
	"herald.example/internal/site"
)

// keysKept is how long after a post's creation a second try surely makes no second
// one: Mastodon keeps idempotency keys for an hour
// (https://docs.joinmastodon.org/methods/statuses/#create). The rest of the hour is
// for the try itself.
const keysKept = 55 * time.Minute

// Find looks for a post among the account's latest statuses. It is Found when one
// of them leads to all URLs of the post and has the same words.
//
// Otherwise nobody can tell: the request may still be on its way through the server,
// or the status may be behind forty others. On Mastodon itself that does no harm
// within the hour for which it keeps keys, so the post is Absent: made again, it is
// the same one. Other servers take the header and ignore it, and make two
// posts; there, and later, it is Uncertain.
func (n *Network) Find(ctx context.Context, who site.Opened, post render.Post) (publish.Receipt, publish.Finding, error) {
	statuses, err := n.latest(ctx, who)
	if err != nil {
		return publish.Receipt{}, publish.Uncertain, err
	}
	created := time.UnixMilli(post.Created)
	want := printOf(post)
	for _, s := range statuses {
		at, ok := s.created()
		if s.valid() && ok && !at.Before(created.Add(-clockSkew)) && want.matches(s.Content) {
			return s.receipt(n.now()), publish.Found, nil
		}
	}
	if n.now().Sub(created) >= keysKept {
		return publish.Receipt{}, publish.Uncertain, nil
	}
	i := n.instance(ctx, who)
	switch {
	case i.err != nil:
		return publish.Receipt{}, publish.Uncertain, i.err
	case i.keepsKeys:
		return publish.Receipt{}, publish.Absent, nil
	}
	return publish.Receipt{}, publish.Uncertain, nil
}

// latest returns the latest statuses of an account.
func (n *Network) latest(ctx context.Context, who site.Opened) ([]status, error) {
	id, err := n.localID(ctx, who)
	if err != nil {
		return nil, err
	}
	q := read("/api/v1/accounts/" + url.PathEscape(id) + "/statuses?limit=40&exclude_reblogs=true")
	answer, err := n.call(ctx, who, q)
	if e, ok := errors.AsType[*publish.Error](err); ok && e.Kind == publish.PermissionMissing {
		q.public = true // the token may write and not read; what is public can be read without
		answer, err = n.call(ctx, who, q)
	}
	if err != nil {
		return nil, err
	}
	var statuses []status
	if err := json.Unmarshal(answer.Body, &statuses); err != nil {
		e := refusal(publish.Transient, "the list of posts cannot be read", nil)
		e.Status = http.StatusOK
		return nil, e
	}
	return statuses, nil
}

// localID is the server's own ID of an account: from its ID when that is of this
// server, else the server is asked.
func (n *Network) localID(ctx context.Context, who site.Opened) (string, error) {
	if base, err := serverOf(who.Account); err == nil {
		if id, ok := strings.CutSuffix(who.Account.ID, "@"+hostOf(base)); ok && id != "" {
			return id, nil
		}
	}
	a, err := n.verify(ctx, who)
	return a.ID, err
}

// print is what a post is recognized by.
type print struct {
	urls  []string
	words string // see fold; without the URLs
}

// printOf takes the print of a post.
func printOf(post render.Post) print {
	var p print
	var rest strings.Builder
	at := 0
	for _, span := range post.Spans {
		if span.Kind == render.URLSpan {
			p.urls = append(p.urls, span.Value)
			rest.WriteString(post.Text[at:span.Start] + " ")
			at = span.End
		}
	}
	rest.WriteString(post.Text[at:])
	p.words = fold(rest.String())
	return p
}

// matches says whether HTML is the post. A post of which neither a URL nor a word
// is there cannot be recognized.
func (p print) matches(content string) bool {
	if len(p.urls) == 0 && p.words == "" {
		return false
	}
	text, links := plainWithout(content, p.urls)
	for _, u := range p.urls {
		if !slices.Contains(links, u) {
			return false
		}
	}
	return fold(text) == p.words
}

// remoteMention is @name@host, of which Mastodon shows @name.
var remoteMention = regexp.MustCompile(`@([0-9A-Za-z_.-]+)@[0-9A-Za-z.:-]+`)

// fold leaves letters and digits, in lower case: servers differ in white space,
// quotes, and the marks that some of them take for markup.
func fold(text string) string {
	text = remoteMention.ReplaceAllString(text, "@$1")
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.Is(unicode.So, r) {
			return unicode.ToLower(r)
		}
		return -1
	}, text)
}

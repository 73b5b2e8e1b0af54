package contract

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"herald.example/internal/publish"
	"herald.example/internal/publish/render"
	"herald.example/internal/site"
)

// patience bounds every call that is not made to hang.
const patience = 20 * time.Second

// Run holds an adapter against the contract. The cases run one after the other, in
// one world, and leave their posts behind.
func Run(t *testing.T, w World) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, World)
	}{
		{"plain text", plainText},
		{"text with a link", textWithLink},
		{"picture", picture},
		{"several at once", severalAtOnce},
		{"introduction", introduction},
		{"revoked credentials", revoked},
		{"same key twice", sameKey},
		{"find", find},
		{"nobody listens", nobodyListens},
		{"closed before a word", closedBeforeAWord},
		{"long text", longText}, // the last one: servers that show it take their time
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, w) })
	}
	if w.Faults != nil {
		runFaults(t, w)
	}
}

// post renders a message for the world's network, as the pipeline does.
func (w World) post(t *testing.T, c render.Content) render.Post {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	profile, err := w.Network.Profile(ctx, w.Who)
	if err != nil {
		t.Fatalf("profile: %v", err)
	}
	post, _, err := render.Render(profile, c)
	if err != nil {
		t.Fatalf("render: %v", err)
	}
	post.Key, post.Created = uuid.NewString(), time.Now().UnixMilli()
	return post
}

// send makes a post that must succeed.
func (w World) send(t *testing.T, post render.Post) publish.Receipt {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	receipt, err := w.Network.Post(ctx, w.Who, post)
	if err != nil {
		t.Fatalf("post: %v", err)
	}
	if receipt.ID == "" || receipt.URL == "" {
		t.Fatalf("got receipt %+v; want an ID and a URL", receipt)
	}
	return receipt
}

// refuse makes a post that must be refused with one of kinds.
func (w World) refuse(t *testing.T, who site.Opened, post render.Post, kinds ...publish.Kind) publish.Error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	receipt, err := w.Network.Post(ctx, who, post)
	return w.refused(t, receipt, err, kinds...)
}

// refused looks at a refusal: its kind, and that it tells no secrets.
func (w World) refused(t *testing.T, receipt publish.Receipt, err error, kinds ...publish.Kind) publish.Error {
	t.Helper()
	e, ok := errors.AsType[*publish.Error](err)
	if !ok {
		t.Fatalf("got receipt %+v, error %v; want a *publish.Error of kind %v", receipt, err, kinds)
	}
	if !slices.Contains(kinds, e.Kind) {
		t.Errorf("got kind %s (%v); want %v", e.Kind, e, kinds)
	}
	if len(e.Message) > publish.MaxRefusal {
		t.Errorf("got a message of %d bytes; want at most %d", len(e.Message), publish.MaxRefusal)
	}
	if e.Network == "" {
		t.Error("the error does not name its network")
	}
	for _, secret := range []site.Secret{w.Who.Credentials.Access, w.Who.Credentials.Refresh, w.Who.Credentials.Secret} {
		if secret != "" && strings.Contains(fmt.Sprintf("%v %+v %v", e, *e, e.Err), string(secret)) {
			t.Error("the error tells a secret")
		}
	}
	return *e
}

// gains runs f and checks by how many posts strangers see more.
func (w World) gains(t *testing.T, want int, f func()) {
	t.Helper()
	before := w.Count(t)
	f()
	if got := w.Count(t) - before; got != want {
		t.Errorf("got %d more posts; want %d", got, want)
	}
}

// words makes text of a case recognizable among the posts of others.
func words(text string) string { return text + " (" + uuid.NewString()[:8] + ")" }

// squeeze makes all white space one blank: servers differ in how they show lines.
func squeeze(s string) string { return strings.Join(strings.Fields(s), " ") }

func plainText(t *testing.T, w World) {
	text := words("Hello, world!\nIt's plain & \"quoted\" 'well'.")
	if !w.Markup {
		text = words("Hello, world!\nIt's <b>not</b> *bold* &amp; \"quoted\" 'well'.")
	}
	w.gains(t, 1, func() {
		seen := w.Read(t, w.send(t, w.post(t, render.Content{Text: text})))
		if squeeze(seen.Text) != squeeze(text) {
			t.Errorf("got text %q; want %q", seen.Text, text)
		}
		if seen.Pictures != 0 {
			t.Errorf("got %d pictures; want none", seen.Pictures)
		}
	})
}

func textWithLink(t *testing.T, w World) {
	text := words("Grüße aus 東京 👩‍👩‍👧, Ελλάδα")
	link := "https://www.example.com/" + uuid.NewString() + "?a=1&b=%C3%BC#top"
	seen := w.Read(t, w.send(t, w.post(t, render.Content{Text: text, Link: &render.Link{URL: link, Name: "A page"}})))
	if !strings.Contains(squeeze(seen.Text), squeeze(text)) {
		t.Errorf("got text %q; want %q in it", seen.Text, text)
	}
	if !slices.Contains(seen.URLs, link) {
		t.Errorf("got links to %q; want one to %q", seen.URLs, link)
	}
}

func picture(t *testing.T, w World) {
	text := words("A picture")
	media := render.Media{Name: "field.png", Type: "image/png", Alt: "a field of colours", Data: PNG(t, 64, 48)}
	seen := w.Read(t, w.send(t, w.post(t, render.Content{Text: text, Media: []render.Media{media}})))
	if !strings.Contains(squeeze(seen.Text), text) || seen.Pictures != 1 {
		t.Errorf("got text %q and %d pictures; want %q and 1", seen.Text, seen.Pictures, text)
	}
}

// longText is longer than any network takes; the link at its end must survive.
func longText(t *testing.T, w World) {
	begin := words("Long")
	text := begin + strings.Repeat(" wörter und 言葉", 20_000)
	link := "https://www.example.com/" + uuid.NewString()
	post := w.post(t, render.Content{Text: text, Link: &render.Link{URL: link}})
	if len(post.Text) >= len(text) {
		t.Fatalf("got a text of %d bytes; want it cut", len(post.Text))
	}
	seen := w.Read(t, w.send(t, post))
	if !strings.HasPrefix(squeeze(seen.Text), begin) || !strings.Contains(seen.Text, "…") {
		t.Errorf("got text %.100q of %d bytes; want it to begin with %q and to be cut at …", seen.Text, len(seen.Text), begin)
	}
	if !slices.Contains(seen.URLs, link) {
		t.Errorf("got links to %q; want one to %q", seen.URLs, link)
	}
}

func severalAtOnce(t *testing.T, w World) {
	const posts = 4
	w.gains(t, posts, func() {
		var group sync.WaitGroup
		for range posts {
			post := w.post(t, render.Content{Text: words("One of several")})
			group.Go(func() {
				if _, err := w.Network.Post(t.Context(), w.Who, post); err != nil {
					t.Errorf("post: %v", err)
				}
			})
		}
		group.Wait()
	})
}

func introduction(t *testing.T, w World) {
	introducer, ok := w.Network.(publish.Introducer)
	if !ok {
		t.Fatal("the adapter cannot say whose credentials it has")
	}
	who := w.Who
	who.Account = site.Account{Server: w.Who.Account.Server, Name: w.Who.Account.Name}
	account, _, credentials, err := introducer.Introduce(t.Context(), who)
	if err != nil {
		t.Fatalf("introduce: %v", err)
	}
	if account != w.Who.Account {
		t.Errorf("got account %+v; want %+v", account, w.Who.Account)
	}
	if credentials.Access == "" {
		t.Error("got no credentials; want the ones to keep")
	}
	_, _, _, err = introducer.Introduce(t.Context(), w.Revoked(t))
	w.refused(t, publish.Receipt{}, err, publish.AuthRevoked)
}

func revoked(t *testing.T, w World) {
	post := w.post(t, render.Content{Text: words("Nobody shall see this")})
	w.gains(t, 0, func() {
		if e := w.refuse(t, w.Revoked(t), post, publish.AuthRevoked); e.Status == 0 {
			t.Error("got no status; want that of the refusal")
		}
	})
}

func sameKey(t *testing.T, w World) {
	if !w.KeepsKeys {
		return // the network makes two posts, which is why the outbox does not try
	}
	post := w.post(t, render.Content{Text: words("Once"), Media: []render.Media{{Type: "image/png", Data: PNG(t, 8, 8)}}})
	w.gains(t, 1, func() {
		first, second := w.send(t, post), w.send(t, post)
		if first.ID != second.ID || first.URL != second.URL {
			t.Errorf("got receipts %+v and %+v; want the same post", first, second)
		}
	})
}

// find asks for a post that is there and for one that never was, where the
// adapter can tell.
func find(t *testing.T, w World) {
	finder, ok := w.Network.(publish.Finder)
	if !ok {
		return
	}
	link := "https://www.example.com/" + uuid.NewString()
	made := w.post(t, render.Content{Text: words("Looked for"), Link: &render.Link{URL: link}})
	want := w.send(t, made)
	receipt, finding, err := finder.Find(t.Context(), w.Who, made)
	if err != nil || finding != publish.Found || receipt.ID != want.ID || receipt.URL != want.URL {
		t.Errorf("got finding %d, receipt %+v, error %v; want %d and %+v", finding, receipt, err, publish.Found, want)
	}
	text := words("Looked for, without a link & with a\nline")
	if !w.Markup {
		text = words("Looked for, <without> a *link* & with a\nline")
	}
	unlinked := w.post(t, render.Content{Text: text})
	want = w.send(t, unlinked)
	receipt, finding, err = finder.Find(t.Context(), w.Who, unlinked)
	if err != nil || finding != publish.Found || receipt.ID != want.ID {
		t.Errorf("by text: got finding %d, receipt %+v, error %v; want %d and %+v", finding, receipt, err, publish.Found, want)
	}
	never := w.post(t, render.Content{Text: words("Never made"), Link: &render.Link{URL: link + "/never"}})
	if receipt, finding, err = finder.Find(t.Context(), w.Who, never); err != nil || finding != w.Missing {
		t.Errorf("never made: got finding %d, receipt %+v, error %v; want %d", finding, receipt, err, w.Missing)
	}
	_, finding, err = finder.Find(t.Context(), w.Revoked(t), made)
	if w.Public {
		if err != nil || finding != publish.Found {
			t.Errorf("as a stranger: got finding %d, error %v; want %d", finding, err, publish.Found)
		}
	} else if err == nil || finding != publish.Uncertain {
		t.Errorf("revoked: got finding %d, error %v; want %d and an error", finding, err, publish.Uncertain)
	}
}

// nobodyListens is a server that is down: nothing was sent.
func nobodyListens(t *testing.T, w World) {
	post := w.post(t, render.Content{Text: words("Nobody listens")})
	w.refuse(t, w.At("http://"+closedPort(t)), post, publish.Transient)
}

// closedBeforeAWord is a server that closes before anything can be sent: the
// handshake of TLS is not made.
func closedBeforeAWord(t *testing.T, w World) {
	post := w.post(t, render.Content{Text: words("Closed at once")})
	w.refuse(t, w.At("https://"+closingPort(t)), post, publish.Transient)
}

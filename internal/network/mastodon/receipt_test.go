package mastodon

import (
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"herald.example/internal/network"
	"herald.example/internal/publish"
	"herald.example/internal/publish/render"
	"herald.example/internal/site"
)

// TestReceipt keeps of a server's answer what people can follow.
func TestReceipt(t *testing.T) {
	now := time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
	const at = "2026-05-06T07:08:08.000Z"
	for _, test := range []struct {
		name string
		s    status
		url  string
		at   time.Time
	}{
		{"Mastodon", status{ID: "1", URL: "https://s.example/@a/1", URI: "https://s.example/users/a/statuses/1", Created: at}, "https://s.example/@a/1", now.Add(-time.Second)},
		{"no page", status{ID: "1", URI: "https://s.example/users/a/statuses/1"}, "https://s.example/users/a/statuses/1", time.Time{}},
		{"script", status{ID: "1", URL: "javascript:alert(1)", URI: "data:text/html,x"}, "", time.Time{}},
		{"no host", status{ID: "1", URL: "https:///x", URI: "/x"}, "", time.Time{}},
		{"two lines", status{ID: "1", URL: "https://s.example/\u2028x"}, "", time.Time{}},
		{"long", status{ID: "1", URL: "https://s.example/" + strings.Repeat("x", maxReceiptText)}, "", time.Time{}},
		{"clock ahead", status{ID: "1", Created: "2026-05-06T07:09:09Z"}, "", now.Add(time.Minute)},
		{"clock far ahead", status{ID: "1", Created: "2026-05-06T07:09:10Z"}, "", time.Time{}},
		{"no date", status{ID: "1", Created: "yesterday"}, "", time.Time{}},
	} {
		got := test.s.receipt(now)
		if got.ID != "1" || got.URL != test.url || !got.At.Equal(test.at) {
			t.Errorf("%s: got %+v; want URL %q at %v", test.name, got, test.url, test.at)
		}
	}
	for _, id := range []string{"", strings.Repeat("1", maxReceiptText+1)} {
		if (status{ID: id}).valid() {
			t.Errorf("got an ID of %d bytes taken", len(id))
		}
	}
}

// failing is a network that fails.
type failing struct{ err error }

func (f failing) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.err }

// TestServerIsGone resolves a name that nobody has any more, and one of which
// nobody could tell.
func TestServerIsGone(t *testing.T) {
	who := site.Opened{Account: site.Account{Server: "https://gone.example"}, Credentials: site.Credentials{Access: "token"}}
	for _, test := range []struct {
		name string
		err  error
		want publish.Kind
	}{
		{"gone", &net.DNSError{Err: "no such host", Name: "gone.example", IsNotFound: true}, publish.TargetMissing},
		{"names do not resolve", &net.DNSError{Err: "server misbehaving", Name: "gone.example", IsTemporary: true}, publish.Transient},
		{"no way", errors.New("network is unreachable"), publish.Transient},
	} {
		_, err := New(network.NewClient(failing{test.err}), time.Now).Post(t.Context(), who, render.Post{Text: "x"})
		if e, ok := errors.AsType[*publish.Error](err); !ok || e.Kind != test.want || !errors.Is(err, test.err) {
			t.Errorf("%s: got %v; want kind %s", test.name, err, test.want)
		}
	}
}

package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"herald.example/internal/network/bluesky/pds"
	"herald.example/internal/network/bluesky/stranger"
	"herald.example/internal/network/contract"
	"herald.example/internal/network/mastodon/snac"
)

// What is published on real networks. The text has characters of one to four bytes,
// a family of several, and a URL.
const (
	realText   = "Grüße aus Wien 🥨 – 日本語 👩‍👩‍👧 #Straße, siehe https://www.example.com/weg?a=b&c=ü und mehr"
	realInText = "https://www.example.com/weg?a=b&c=ü"
	realTarget = "https://www.example.org/artikel?id=7#unten"
	realName   = "Ein Artikel über Größe"
)

// realMessages are the messages that are published: with a picture that is fetched,
// and with one that is sent along.
var realMessages = []struct {
	name  string
	parts func(pictureURL string, picture []byte) map[string]any
}{
	{"picture by URL", func(pictureURL string, _ []byte) map[string]any {
		return map[string]any{"picture": map[string]any{"url": pictureURL}}
	}},
	{"upload", func(_ string, picture []byte) map[string]any {
		return map[string]any{"uploads": []any{map[string]any{"name": "bild.png", "data": base64.StdEncoding.EncodeToString(picture)}}}
	}},
}

// realPost is a post of a real network, as a stranger sees it.
type realPost struct {
	text     string
	urls     []string // where it leads
	pictures [][]byte // as they are downloaded
}

// TestSnac publishes through the API on a real server that speaks Mastodon's.
func TestSnac(t *testing.T) {
	t.Parallel()
	s := snac.Start(t, "alice")
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte(s.Token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	publishForReal(t, "mastodon", s.URL, []string{"--server", s.URL, "--access-token-file", token},
		func(t *testing.T, _, at string) realPost {
			page := s.Read(t, at)
			if page.Pictures != 1 {
				t.Errorf("got %d pictures on the page; want one", page.Pictures)
			}
			return realPost{page.Text, page.URLs, attached(t, at)}
		})
}

// TestPDS publishes through the API on a real Bluesky server.
func TestPDS(t *testing.T) {
	t.Parallel()
	s := pds.Start(t)
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte(s.AppPassword+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	publishForReal(t, "bluesky", s.URL, []string{"--server", s.URL, "--handle", s.Handle, "--app-password-file", password},
		func(t *testing.T, id, _ string) realPost {
			post := stranger.Read(t, s.URL, id)
			got := realPost{text: post.Text, urls: post.URLs()}
			for _, p := range post.Pictures {
				got.pictures = append(got.pictures, p.Data)
			}
			if post.Card == nil {
				t.Errorf("got no card; want one of the link")
				return got
			}
			if post.Card.Title != realName || post.Card.Description != "Worte dazu" {
				t.Errorf("got card %+v; want the link's name and description", post.Card)
			}
			if post.Card.Thumb != nil {
				got.pictures = append(got.pictures, post.Card.Thumb.Data)
			}
			for _, l := range post.Links {
				if !strings.HasPrefix(l.Target, "http://"+l.Shown) && l.Target != l.Shown {
					t.Errorf("got a part %q of the text that leads to %s; want it to show that", l.Shown, l.Target)
				}
			}
			if len(post.Tags) != 1 || post.Tags[0].Target != "Straße" {
				t.Errorf("got tags %+v; want the one of the text", post.Tags)
			}
			return got
		})
}

// publishForReal publishes on the network at server, reads back what a stranger sees
// there, and follows it.
func publishForReal(t *testing.T, provider, server string, account []string, read func(t *testing.T, id, at string) realPost) {
	picture := contract.PNG(t, 80, 60)
	pictures := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "image/png")
		w.Write(picture) //nolint:errcheck // the other side is gone
	}))
	defer pictures.Close()
	s := &shop{server: start(t, t.TempDir(), "--allow-host", hostOf(t, server), "--allow-host", hostOf(t, pictures.URL), "--wait", "1m"),
		visitors: http.DefaultTransport}
	s.addSite()
	identity := s.addIdentity(provider, account...)
	for _, m := range realMessages {
		t.Run(m.name, func(t *testing.T) {
			s := s.in(t)
			parts := m.parts(pictures.URL+"/bild.png", picture)
			parts["text"] = map[string]any{"body": realText}
			parts["link"] = map[string]any{"url": realTarget, "name": realName, "description": "Worte dazu"}
			parts["flags"] = map[string]any{"enable_tracking": 1}
			got := s.ask("POST", "/sharing/messages.json",
				requestOf(map[string]any{"publish_for_identity": map[string]any{"identity_token": identity}, "parts": parts}))
			if got.status != 200 || len(got.Message.Publications) != 1 {
				t.Fatalf("got %d %s; want a publication", got.status, got.raw)
			}
			links := got.Message.Publications[0].links()
			if len(links) != 2 {
				t.Fatalf("got short URLs %+v; want two", links)
			}
			id, at := s.where(got.Message.Token)
			post := read(t, id, at)
			checkRealPost(t, post, links, picture)

			details := s.message(got.Message.Token)
			s.wantReferrals(details, got.Message.Publications[0], 0)
			for _, l := range links {
				s.wantRedirect(l, firefox)
			}
			s.wantReferrals(s.message(got.Message.Token), got.Message.Publications[0], 1)
		})
	}
}

// checkRealPost holds a post against what was published. Its text may show short
// URLs without their scheme.
func checkRealPost(t *testing.T, post realPost, links []sharedLink, picture []byte) {
	t.Helper()
	before, behind, _ := strings.Cut(realText, realInText)
	for _, words := range []string{before, behind} {
		if !strings.Contains(post.text, strings.TrimSpace(words)) {
			t.Errorf("got text %q; want %q in it", post.text, words)
		}
	}
	if strings.Contains(post.text, "example.com") || strings.Contains(post.text, "example.org") {
		t.Errorf("got text %q; want short URLs in place of the long ones", post.text)
	}
	targets := []string{}
	for _, l := range links {
		targets = append(targets, l.Target)
		if !slices.Contains(post.urls, l.ShortURL) {
			t.Errorf("got URLs %q; want %s, which leads to %s", post.urls, l.ShortURL, l.Target)
		}
	}
	slices.Sort(targets)
	if want := []string{realInText, realTarget}; !slices.Equal(targets, want) {
		t.Errorf("got short URLs of %q; want %q", targets, want)
	}
	if len(post.pictures) != 1 {
		t.Fatalf("got %d pictures; want one", len(post.pictures))
	}
	got, err := png.Decode(bytes.NewReader(post.pictures[0]))
	if err != nil {
		t.Fatalf("downloaded picture: %v", err)
	}
	want, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(got.Bounds(), got.At(7, 50)) != fmt.Sprint(want.Bounds(), want.At(7, 50)) {
		t.Errorf("got another picture, of %v", got.Bounds())
	}
}

// where is the post of a message with one publication: the network's ID and address.
func (s *shop) where(message string) (id, at string) {
	s.t.Helper()
	var shown struct {
		Message struct {
			Publications []struct {
				ID  string `json:"post_id"`
				URL string `json:"post_url"`
			} `json:"publications"`
		} `json:"sharing_message"`
	}
	s.operator(&shown, "message", "show", "shop", message)
	if len(shown.Message.Publications) != 1 {
		s.t.Fatalf("message %s: got %+v; want one publication", message, shown)
	}
	return shown.Message.Publications[0].ID, shown.Message.Publications[0].URL
}

// attached are the pictures of a post, as other servers of the fediverse get them.
func attached(t *testing.T, at string) (pictures [][]byte) {
	t.Helper()
	var note struct {
		Attachment []struct {
			URL string `json:"url"`
		} `json:"attachment"`
	}
	if err := json.Unmarshal(download(t, at, "application/activity+json"), &note); err != nil {
		t.Fatalf("%s: %v", at, err)
	}
	for _, a := range note.Attachment {
		pictures = append(pictures, download(t, a.URL, "image/*"))
	}
	return pictures
}

// download asks for something as a stranger.
func download(t *testing.T, at, accept string) []byte {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, at, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", accept)
	response, err := (&http.Client{Timeout: time.Minute}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: got status %d, %v; want it there", at, response.StatusCode, err)
	}
	return raw
}

// hostOf is the host:port of a URL.
func hostOf(t *testing.T, raw string) string {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

// Package stranger reads the posts of a Bluesky server as anybody can, without an
// account: for tests of what was published. It reads the double and a real PDS
// alike.
package stranger

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// collection is where posts are.
const collection = "app.bsky.feed.post"

// Post is a post as a reader's program shows it.
type Post struct {
	URI      string
	Text     string
	Created  string // as the record has it
	Links    []Link // parts of the text that lead somewhere, in order
	Tags     []Link // the same of hashtags, whose Target is the word
	Mentions []Link // the same of accounts, whose Target is the DID
	Card     *Card  // below the text; nil: none
	Pictures []Picture
}

// Link is a part of the text, by its bytes.
type Link struct {
	Shown  string
	Target string
}

// Card is the card of a link.
type Card struct {
	URL, Title, Description string
	Thumb                   *Picture // nil: none
}

// Picture is a picture as it is downloaded.
type Picture struct {
	Type string // as the server says
	Alt  string
	Data []byte
	// Width and Height are what the post says; 0: nothing.
	Width, Height int
}

// blob is how a record names a picture.
type blob struct {
	Ref struct {
		Link string `json:"$link"`
	} `json:"ref"`
}

// record is what a reader looks at.
type record struct {
	URI   string `json:"uri"`
	Value struct {
		Text      string `json:"text"`
		CreatedAt string `json:"createdAt"`
		Facets    []struct {
			Index struct {
				Start int `json:"byteStart"`
				End   int `json:"byteEnd"`
			} `json:"index"`
			Features []struct {
				Type string `json:"$type"`
				URI  string `json:"uri"`
				Tag  string `json:"tag"`
				DID  string `json:"did"`
			} `json:"features"`
		} `json:"facets"`
		Embed struct {
			External *struct {
				URI         string `json:"uri"`
				Title       string `json:"title"`
				Description string `json:"description"`
				Thumb       *blob  `json:"thumb"`
			} `json:"external"`
			Images []struct {
				Image       blob   `json:"image"`
				Alt         string `json:"alt"`
				AspectRatio struct {
					Width  int `json:"width"`
					Height int `json:"height"`
				} `json:"aspectRatio"`
			} `json:"images"`
		} `json:"embed"`
	} `json:"value"`
}

// Read reads the post with an at:// URI from the server at base.
func Read(t testing.TB, base, uri string) Post {
	t.Helper()
	did, rest, ok := strings.Cut(strings.TrimPrefix(uri, "at://"), "/")
	where, key, found := strings.Cut(rest, "/")
	if !ok || !found {
		t.Fatalf("got URI %q; want at://DID/collection/key", uri)
	}
	var r record
	decode(t, get(t, base, "com.atproto.repo.getRecord", url.Values{"repo": {did}, "collection": {where}, "rkey": {key}}).data, &r)
	return r.post(t, base, did)
}

// Posts reads an account's posts from the server at base, the newest first and at
// most 100.
func Posts(t testing.TB, base, did string) []Post {
	t.Helper()
	var answer struct {
		Records []record `json:"records"`
	}
	decode(t, get(t, base, "com.atproto.repo.listRecords", url.Values{"repo": {did}, "collection": {collection}, "limit": {"100"}}).data, &answer)
	posts := make([]Post, len(answer.Records))
	for i, r := range answer.Records {
		posts[i] = r.post(t, base, did)
	}
	return posts
}

// Count is the number of an account's posts.
func Count(t testing.TB, base, did string) int {
	t.Helper()
	count, cursor := 0, ""
	for {
		query := url.Values{"repo": {did}, "collection": {collection}, "limit": {"100"}}
		if cursor != "" {
			query.Set("cursor", cursor)
		}
		var answer struct {
			Records []struct{} `json:"records"`
			Cursor  string     `json:"cursor"`
		}
		decode(t, get(t, base, "com.atproto.repo.listRecords", query).data, &answer)
		count += len(answer.Records)
		if cursor = answer.Cursor; cursor == "" || len(answer.Records) == 0 {
			return count
		}
	}
}

// post is the record as a reader sees it, with its pictures downloaded. A facet
// that selects no part of the text fails the test: readers show nonsense then.
func (r record) post(t testing.TB, base, did string) Post {
	t.Helper()
	v := r.Value
	p := Post{URI: r.URI, Text: v.Text, Created: v.CreatedAt}
	for _, f := range v.Facets {
		if f.Index.Start < 0 || f.Index.Start >= f.Index.End || f.Index.End > len(v.Text) {
			t.Fatalf("got a facet of bytes %d to %d in a text of %d", f.Index.Start, f.Index.End, len(v.Text))
		}
		shown := v.Text[f.Index.Start:f.Index.End]
		for _, feature := range f.Features {
			switch feature.Type {
			case "app.bsky.richtext.facet#link":
				p.Links = append(p.Links, Link{shown, feature.URI})
			case "app.bsky.richtext.facet#tag":
				p.Tags = append(p.Tags, Link{shown, feature.Tag})
			case "app.bsky.richtext.facet#mention":
				p.Mentions = append(p.Mentions, Link{shown, feature.DID})
			}
		}
	}
	if e := v.Embed.External; e != nil {
		p.Card = &Card{URL: e.URI, Title: e.Title, Description: e.Description}
		if e.Thumb != nil {
			thumb := download(t, base, did, *e.Thumb)
			p.Card.Thumb = &thumb
		}
	}
	for _, image := range v.Embed.Images {
		picture := download(t, base, did, image.Image)
		picture.Alt, picture.Width, picture.Height = image.Alt, image.AspectRatio.Width, image.AspectRatio.Height
		p.Pictures = append(p.Pictures, picture)
	}
	return p
}

// URLs are where the post leads: by its text and by its card.
func (p Post) URLs() []string {
	var all []string
	for _, l := range p.Links {
		all = append(all, l.Target)
	}
	if p.Card != nil {
		all = append(all, p.Card.URL)
	}
	return all
}

// download gets a blob.
func download(t testing.TB, base, did string, b blob) Picture {
	t.Helper()
	a := get(t, base, "com.atproto.sync.getBlob", url.Values{"did": {did}, "cid": {b.Ref.Link}})
	return Picture{Type: a.mime, Data: a.data}
}

// answer is what a server says.
type answer struct {
	mime string
	data []byte
}

// get asks the server for something that must be there.
func get(t testing.TB, base, method string, query url.Values) answer {
	t.Helper()
	a, err := ask(base, method, query)
	if err != nil {
		t.Fatalf("%s: %v", method, err)
	}
	return a
}

func ask(base, method string, query url.Values) (answer, error) {
	client := http.Client{Timeout: 20 * time.Second}
	response, err := client.Get(base + "/xrpc/" + method + "?" + query.Encode())
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(io.LimitReader(response.Body, 8<<20))
	if err != nil {
		return answer{}, err
	}
	if response.StatusCode != http.StatusOK {
		return answer{}, fmt.Errorf("status %d: %.300s", response.StatusCode, data)
	}
	return answer{response.Header.Get("Content-Type"), data}, nil
}

// decode reads JSON.
func decode(t testing.TB, data []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatalf("got %.300s: %v", data, err)
	}
}

package bluesky_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/jpeg"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"herald.example/internal/network/bluesky/double"
	"herald.example/internal/network/bluesky/stranger"
	"herald.example/internal/network/contract"
	"herald.example/internal/publish"
	"herald.example/internal/publish/render"
	"herald.example/internal/site"
)

// large is a picture of 2 million bytes: most of them are a chunk that nobody
// reads.
func large(t *testing.T) []byte {
	t.Helper()
	small := contract.PNG(t, 300, 200)
	const size, header = 2_000_000, 33 // the signature and the first chunk
	chunk := append(binary.BigEndian.AppendUint32(nil, size), "prIv"...)
	chunk = append(chunk, make([]byte, size)...)
	chunk = binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(chunk[4:]))
	return slices.Concat(small[:header], chunk, small[header:])
}

// TestPostIsRead posts everything that a post can have, and reads it as a stranger.
func TestPostIsRead(t *testing.T) {
	onServers(t, func(t *testing.T, s server) {
		n := adapter(t, nil)
		friend := newHandle()
		friendDID, _ := s.newAccount(t, friend)
		handle := newHandle()
		_, password := s.newAccount(t, handle)
		who := introduce(t, n, s.url, handle, password)
		small := contract.PNG(t, 60, 40)

		text := "Grüße 👨‍👩‍👧‍👦 an @" + friend + ": host.example/aB3… #日本"
		at := func(part string) (int, int) { i := strings.Index(text, part); return i, i + len(part) }
		post := words(text)
		for _, part := range []struct {
			shown, value string
			kind         render.SpanKind
		}{{"@" + friend, friend, render.MentionSpan}, {"host.example/aB3…", "https://host.example/aB3xyz?ü=1", render.URLSpan}, {"#日本", "日本", render.TagSpan}} {
			start, end := at(part.shown)
			post.Spans = append(post.Spans, render.Span{Kind: part.kind, Start: start, End: end, Value: part.value})
		}
		created := time.UnixMilli(post.Created).UTC().Format("2006-01-02T15:04:05.000Z")
		parts := stranger.Post{Text: text, Created: created,
			Links:    []stranger.Link{{Shown: "host.example/aB3…", Target: "https://host.example/aB3xyz?ü=1"}},
			Tags:     []stranger.Link{{Shown: "#日本", Target: "日本"}},
			Mentions: []stranger.Link{{Shown: "@" + friend, Target: friendDID}}}

		t.Run("card", func(t *testing.T) {
			post := post
			post.Key = "card " + handle
			post.Link = &render.Link{URL: "https://host.example/8WEtk", Name: "A page & more", Caption: "not shown", Description: "Über \"alles\""}
			post.Media = []render.Media{{Type: "image/png", Data: small, Alt: "not shown"}}
			receipt, err := n.Post(t.Context(), who, post)
			if err != nil || receipt.Note != "" {
				t.Fatalf("got note %q, error %v; want neither", receipt.Note, err)
			}
			want := parts
			want.URI = receipt.ID
			want.Card = &stranger.Card{URL: "https://host.example/8WEtk", Title: "A page & more", Description: "Über \"alles\"", Thumb: &stranger.Picture{Type: "image/png", Data: small}}
			if diff := cmp.Diff(want, stranger.Read(t, s.url, receipt.ID)); diff != "" {
				t.Errorf("post (-want +got):\n%s", diff)
			}
			if want := "https://bsky.app/profile/" + who.Account.ID + "/post/" + receipt.ID[strings.LastIndexByte(receipt.ID, '/')+1:]; receipt.URL != want {
				t.Errorf("got page %q; want %q", receipt.URL, want)
			}
		})
		t.Run("card without words or picture", func(t *testing.T) {
			post := words("see")
			post.Link = &render.Link{URL: "https://host.example/8WEtk"}
			receipt, err := n.Post(t.Context(), who, post)
			if err != nil {
				t.Fatal(err)
			}
			got := stranger.Read(t, s.url, receipt.ID)
			if diff := cmp.Diff(&stranger.Card{URL: "https://host.example/8WEtk"}, got.Card); diff != "" {
				t.Errorf("card (-want +got):\n%s", diff)
			}
		})
		t.Run("card whose picture cannot be read", func(t *testing.T) {
			post := words("see")
			post.Link = &render.Link{URL: "https://host.example/8WEtk"}
			post.Media = []render.Media{{Type: "image/png", Data: make([]byte, 2_000_000)}}
			receipt, err := n.Post(t.Context(), who, post)
			if err != nil || !strings.Contains(receipt.Note, "no picture") {
				t.Fatalf("got note %q, error %v; want a note that says so", receipt.Note, err)
			}
			if got := stranger.Read(t, s.url, receipt.ID); got.Card == nil || got.Card.Thumb != nil {
				t.Errorf("got card %+v; want one without a picture", got.Card)
			}
		})
		t.Run("pictures", func(t *testing.T) {
			post := post
			post.Key = "pictures " + handle
			post.Media = []render.Media{{Type: "image/png", Data: small, Alt: "a field"}, {Type: "image/png", Data: large(t), Alt: ""}}
			receipt, err := n.Post(t.Context(), who, post)
			if err != nil {
				t.Fatal(err)
			}
			got := stranger.Read(t, s.url, receipt.ID)
			if len(got.Pictures) != 2 {
				t.Fatalf("got %d pictures; want 2", len(got.Pictures))
			}
			if diff := cmp.Diff(stranger.Picture{Type: "image/png", Alt: "a field", Data: small, Width: 60, Height: 40}, got.Pictures[0]); diff != "" {
				t.Errorf("picture (-want +got):\n%s", diff)
			}
			second := got.Pictures[1]
			m, err := jpeg.Decode(bytes.NewReader(second.Data))
			if err != nil || len(second.Data) > 1_000_000 || second.Width != 300 || second.Type != "image/jpeg" || m.Bounds() != image.Rect(0, 0, second.Width, second.Height) {
				t.Errorf("got a picture of %d bytes of %s, %d x %d, error %v; want a smaller JPEG", len(second.Data), second.Type, second.Width, second.Height, err)
			}
		})
		t.Run("nothing", func(t *testing.T) {
			receipt, err := n.Post(t.Context(), who, words(""))
			if err != nil {
				t.Fatal(err)
			}
			if got := stranger.Read(t, s.url, receipt.ID); got.Text != "" || got.Card != nil || got.Pictures != nil {
				t.Errorf("got %+v; want an empty post", got)
			}
		})
	})
}

// TestRefusals provokes what a server refuses.
func TestRefusals(t *testing.T) {
	onServers(t, func(t *testing.T, s server) {
		n := adapter(t, nil)
		handle := newHandle()
		did, password := s.newAccount(t, handle)
		who := introduce(t, n, s.url, handle, password)
		otherHandle := newHandle()
		other, otherPassword := s.newAccount(t, otherHandle)

		as := func(id string, access site.Secret) site.Opened {
			w := who
			w.Account.ID = id
			if access != "" {
				w.Credentials.Access = access
			}
			return w
		}
		link := words("see host")
		link.Spans = []render.Span{{Kind: render.URLSpan, Start: 4, End: 8, Value: "not a URL"}}
		card := words("see")
		card.Link = &render.Link{URL: "not a URL"}
		five := words("five")
		for range 5 {
			five.Media = append(five.Media, render.Media{Type: "image/png", Data: contract.PNG(t, 4, 4)})
		}
		video := words("a film")
		video.Media = []render.Media{{Type: "video/mp4", Data: []byte("....ftypisom")}}
		tests := []struct {
			name string
			who  site.Opened
			post render.Post
			want publish.Kind
		}{
			{"301 characters", who, words(strings.Repeat("x", 301)), publish.TextInvalid},
			{"130 families", who, words(strings.Repeat("👨‍👩‍👧‍👦", 130)), publish.TextInvalid},
			{"a link that is none", who, link, publish.LinkInvalid},
			{"a card of no URL", who, card, publish.LinkInvalid},
			{"five pictures", who, five, publish.MediaInvalid},
			{"a video", who, video, publish.MediaInvalid},
			{"access token that has ended", as(did, s.sign(t, did, "", time.Now().Add(-time.Minute))), words("late"), publish.AuthExpired},
			{"garbage token", as(did, "abc.def.ghi"), words("who?"), publish.AuthRevoked},
			{"refresh token for an access token", as(did, who.Credentials.Refresh), words("who?"), publish.AuthRevoked},
			{"no token", site.Opened{Account: who.Account}, words("who?"), publish.AuthRevoked},
			{"an account that is not there", as("did:plc:aaaaaaaaaaaaaaaaaaaaaaaa", ""), words("who?"), publish.TargetMissing},
			{"another's account", as(other, ""), words("who?"), publish.AuthRevoked},
			{"no account", as("", ""), words("who?"), publish.TargetMissing},
		}
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				_, err := n.Post(t.Context(), test.who, test.post)
				wantKind(t, err, test.want)
			})
		}
		if got := stranger.Count(t, s.url, did) + stranger.Count(t, s.url, other); got != 0 {
			t.Errorf("got %d posts; want none", got)
		}

		closed := introduce(t, n, s.url, otherHandle, otherPassword)
		made := words("before it closed")
		if _, err := n.Post(t.Context(), closed, made); err != nil {
			t.Fatal(err)
		}
		s.deactivate(t, other)
		_, err := n.Post(t.Context(), closed, words("closed"))
		wantKind(t, err, publish.AccountRestricted)
		if _, finding, err := n.Find(t.Context(), closed, made); finding != publish.Uncertain || err != nil {
			t.Errorf("got finding %d of a closed account, error %v; want %d", finding, err, publish.Uncertain)
		}
	})
}

// TestKeyIsTaken makes another post with the record key of ours, as nobody else
// can: it is not taken for ours, and ours is not said to be absent.
func TestKeyIsTaken(t *testing.T) {
	onServers(t, func(t *testing.T, s server) {
		n := adapter(t, nil)
		handle := newHandle()
		_, password := s.newAccount(t, handle)
		who := introduce(t, n, s.url, handle, password)
		first := words("the first")
		if _, err := n.Post(t.Context(), who, first); err != nil {
			t.Fatal(err)
		}
		second := first
		second.Text = "the second"
		_, err := n.Post(t.Context(), who, second)
		wantKind(t, err, publish.ContentRejected)
		if _, finding, err := n.Find(t.Context(), who, second); finding != publish.Uncertain || err != nil {
			t.Errorf("got finding %d, error %v; want %d", finding, err, publish.Uncertain)
		}
	})
}

// TestServerErrors shows what becomes of a post that the server failed to make.
func TestServerErrors(t *testing.T) {
	const create, get, upload = "POST /xrpc/com.atproto.repo.createRecord", "GET /xrpc/com.atproto.repo.getRecord", "POST /xrpc/com.atproto.repo.uploadBlob"
	inside := contract.Fault{Call: create, Status: 500, Body: `{"error":"InternalServerError","message":"Internal Server Error"}`}
	landed := inside
	landed.Lands = true
	tests := []struct {
		name   string
		faults []contract.Fault
		want   publish.Kind // empty: success
		posts  int
	}{
		{"an error inside, not made", []contract.Fault{inside}, publish.Transient, 0},
		{"an error inside, made", []contract.Fault{landed}, "", 1},
		{"an error inside, and then nobody answers", []contract.Fault{landed, {Call: get, Status: 502}}, publish.UnknownOutcome, 1},
		{"an error inside, and then half an answer", []contract.Fault{landed, {Call: get, Act: contract.Half, Lands: true}}, publish.UnknownOutcome, 1},
		{"too busy", []contract.Fault{{Call: create, Status: 503, Body: `{"error":"NotEnoughResources","message":"x"}`}}, publish.Transient, 0},
		{"a server behind is gone", []contract.Fault{{Call: create, Status: 502, Body: `{"error":"UpstreamFailure","message":"x"}`}}, publish.Transient, 0},
		{"the picture is not taken", []contract.Fault{{Call: upload, Status: 502}}, publish.Transient, 0},
		{"the picture is taken and no answer comes", []contract.Fault{{Call: upload, Act: contract.Half, Lands: true}}, publish.Transient, 0},
		{"the picture is called otherwise", []contract.Fault{{Call: upload, Body: `{"blob":{"$type":"blob","ref":{"$link":"x"},"mimeType":"image/png","size":1}}`}}, publish.Transient, 0},
		{"the picture is too large after all", []contract.Fault{{Call: upload, Status: 413, Body: `{"error":"PayloadTooLarge","message":"request entity too large"}`}}, publish.MediaInvalid, 0},
		{"the picture is forgotten", []contract.Fault{{Call: create, Status: 400, Body: `{"error":"BlobNotFound","message":"Could not find blob: bafkrei"}`}}, publish.MediaInvalid, 0},
		{"another post is named", []contract.Fault{{Call: create, Lands: true, Body: `{"uri":"at://did:plc:x/app.bsky.feed.post/3n35jar3qayzi"}`}}, publish.UnknownOutcome, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := double.New(t)
			did := s.AddAccount("alice.test", "abcd-efgh")
			n := adapter(t, nil)
			who := introduce(t, n, s.URL(), "alice.test", "abcd-efgh")
			for _, f := range test.faults {
				s.Fault(f)
			}
			post := words("will it be there?")
			post.Media = []render.Media{{Type: "image/png", Data: contract.PNG(t, 8, 8)}}
			receipt, err := n.Post(t.Context(), who, post)
			if test.want != "" {
				wantKind(t, err, test.want)
			} else if err != nil || receipt.ID != s.Posts(did)[0].URI {
				t.Errorf("got receipt %+v, error %v; want the post's", receipt, err)
			}
			if got := len(s.Posts(did)); got != test.posts {
				t.Errorf("got %d posts; want %d", got, test.posts)
			}
			s.Faults.Reset()
			if _, err := n.Post(t.Context(), who, post); err != nil || len(s.Posts(did)) != 1 {
				t.Errorf("got %d posts and error %v after a repeat; want 1", len(s.Posts(did)), err)
			}
		})
	}
}

// TestTranscript holds what goes over the wire against a golden file.
func TestTranscript(t *testing.T) {
	s := double.New(t)
	s.AddAccount("alice.test", "abcd-efgh")
	s.AddAccount("bob.test", "ijkl-mnop")
	n := adapter(t, nil)
	who := introduce(t, n, s.URL(), "alice.test", "abcd-efgh")
	text := "Hi @bob.test, see host.example/8WE… #news"
	post := render.Post{Key: "message.1", Created: 1_795_621_899_123, Text: text, Spans: []render.Span{
		{Kind: render.MentionSpan, Start: 3, End: 12, Value: "bob.test"},
		{Kind: render.URLSpan, Start: 18, End: 37, Value: "https://host.example/8WEtk"},
		{Kind: render.TagSpan, Start: 38, End: 43, Value: "news"},
	}}
	post.Media = []render.Media{{Type: "image/gif", Data: []byte("GIF89a\x02\x00\x01\x00\x00\x00\x00;"), Alt: "two points"}}
	if _, err := n.Post(t.Context(), who, post); err != nil {
		t.Fatal(err)
	}
	if _, _, err := n.Find(t.Context(), who, post); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Refresh(t.Context(), who); err != nil {
		t.Fatal(err)
	}
	post.Link = &render.Link{URL: "https://host.example/8WEtk", Name: "A page", Description: "of words"}
	if _, err := n.Post(t.Context(), who, post); err != nil { // the same key and text: the post that is there
		t.Fatal(err)
	}
	golden(t, "testdata/transcript.txt", strings.Join(s.Transcript(), "\n")+"\n")
}

// TestStatusWithoutAnswer shows that a server that is no PDS is named as such.
func TestStatusWithoutAnswer(t *testing.T) {
	s := double.New(t)
	s.AddAccount("alice.test", "abcd-efgh")
	s.Fault(contract.Fault{Call: "POST /xrpc/*", Status: http.StatusNotFound, Header: http.Header{"Content-Type": {"text/html"}}, Body: "<html>not here"})
	_, _, _, err := adapter(t, nil).Introduce(t.Context(), site.Opened{Account: site.Account{Server: s.URL(), Name: "alice.test"}, Credentials: site.Credentials{Secret: "abcd-efgh"}})
	if e := wantKind(t, err, publish.AppMisconfigured); e.Message != "Not Found" || fmt.Sprint(e.Status) != "404" {
		t.Errorf("got %+v; want status 404 in words", e)
	}
}

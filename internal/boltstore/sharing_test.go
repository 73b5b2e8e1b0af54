package boltstore

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"herald.example/internal/link"
	"herald.example/internal/publish"
	"herald.example/internal/site"
)

// newSharing opens a fresh store.
func newSharing(t testing.TB) (s *Sharing, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "sharing.db")
	return reopenSharing(t, path), path
}

// reopenSharing opens the store at path.
func reopenSharing(t testing.TB, path string) *Sharing {
	t.Helper()
	s, err := OpenSharing(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// id is the nth UUID of a kind of things: 's' for sites, and the shelves' kinds.
func id(kind byte, n int) string { return fmt.Sprintf("%08x-0000-4000-8000-%012x", kind, n) }

// publication is a pending one, due a second after day.
func publication(links int) publish.Publication {
	p := publish.Publication{
		Provider: "mastodon", User: id('u', 1), Identity: id('i', 1), State: publish.Pending, Created: day, Due: day.Add(time.Second),
	}
	for i := range links {
		p.Links = append(p.Links, publish.TrackedLink{
			Ref: link.Ref{Domain: "go.example", Slug: fmt.Sprintf("8WEtk%02d", i)}, Target: "https://www.example.com/articles/1?from=herald", Created: day,
		})
	}
	return p
}

// accept accepts what must be taken.
func accept(t testing.TB, s *Sharing, a publish.Acceptance) publish.Accepted {
	t.Helper()
	accepted, err := s.Accept(t.Context(), a)
	if err != nil {
		t.Fatalf("accept: %v", err)
	}
	return accepted
}

// acceptanceOf is a new message with publications.
func acceptanceOf(siteID, token string, ps ...publish.Publication) publish.Acceptance {
	return publish.Acceptance{
		Message: publish.Message{
			Token: token, Site: siteID, Created: day,
			Parts: publish.Parts{Text: &publish.Text{Body: "Grüße & <b>https://www.example.com/articles/1</b>"}, Tracking: true},
		},
		Publications: ps, At: day,
	}
}

func TestAcceptAndRead(t *testing.T) {
	s, path := newSharing(t)
	a := acceptanceOf(id('s', 1), id('m', 1), publication(2), publication(0))
	a.Publications[1].State = publish.Failed
	local := day.In(time.FixedZone("", 3600)).Add(456_789 * time.Nanosecond)
	a.Publications[1].Created, a.At, a.Message.Created = local, local, local
	a.Publications[1].Refusal = &publish.Refusal{Kind: publish.TargetMissing, Message: "no identity", Status: 404, Code: "1/2", Trace: "t", At: local}
	a.Message.Parts.Uploads = []publish.Upload{{Name: "a.png", Type: "image/png", Size: 3, Data: []byte("abc")}, {Name: "empty"}}
	accepted := accept(t, s, a)

	wantMessage := a.Message
	wantMessage.Created, wantMessage.LastPublished, wantMessage.Rounds = day, day, 1
	want := []publish.Publication{publication(2), publication(0)}
	for i := range want {
		want[i].Site, want[i].Message, want[i].Number, want[i].Round = id('s', 1), id('m', 1), i+1, 1
	}
	refusal := *a.Publications[1].Refusal
	refusal.At = day
	want[1].State, want[1].Refusal = publish.Failed, &refusal
	if diff := cmp.Diff(publish.Accepted{Message: wantMessage, Publications: want}, accepted); diff != "" {
		t.Errorf("Accept (-want +got):\n%s", diff)
	}

	wantMessage.Parts.Uploads = []publish.Upload{{Name: "a.png", Type: "image/png", Size: 3}, {Name: "empty"}}
	for range 2 {
		m, ps, err := s.Message(t.Context(), id('s', 1), id('m', 1))
		if diff := cmp.Diff(wantMessage, m); err != nil || diff != "" {
			t.Errorf("Message: %v (-want +got):\n%s", err, diff)
		}
		if diff := cmp.Diff(want, ps); diff != "" {
			t.Errorf("publications (-want +got):\n%s", diff)
		}
		for i, w := range want {
			m, p, err := s.Publication(t.Context(), publish.Ref{Site: id('s', 1), Message: id('m', 1), Number: i + 1})
			if diff := cmp.Diff(w, p); err != nil || diff != "" || m.Token != wantMessage.Token {
				t.Errorf("Publication: %v, %s (-want +got):\n%s", err, m.Token, diff)
			}
		}
		for i, w := range []string{"abc", ""} {
			if data, err := s.Upload(t.Context(), id('s', 1), id('m', 1), i); err != nil || string(data) != w {
				t.Errorf("Upload %d: got %q, %v; want %q", i, data, err, w)
			}
		}
		for _, i := range []int{-1, 2, 1 << 32} {
			if _, err := s.Upload(t.Context(), id('s', 1), id('m', 1), i); !errors.Is(err, publish.ErrNotFound) {
				t.Errorf("Upload %d: got %v; want %v", i, err, publish.ErrNotFound)
			}
		}
		due, next, err := s.Due(t.Context(), day.Add(time.Second), 10, nil)
		if diff := cmp.Diff([]publish.Ref{want[0].Ref()}, due); err != nil || diff != "" || !next.IsZero() {
			t.Errorf("Due: %v, next %v (-want +got):\n%s", err, next, diff)
		}
		s.Close()
		s = reopenSharing(t, path)
	}
	page, err := s.List(t.Context(), id('s', 1), site.ListQuery{Limit: 1})
	wantPage := site.Page[publish.Head]{Entries: []publish.Head{{Token: id('m', 1), Created: day, LastPublished: day}}, Total: 1}
	if diff := cmp.Diff(wantPage, page); err != nil || diff != "" {
		t.Errorf("List: %v (-want +got):\n%s", err, diff)
	}
}

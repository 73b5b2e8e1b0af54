package boltstore

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"
	"golang.org/x/sync/errgroup"

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
func id(kind byte, n int) string { return fmt.Sprintf("%08x-abcd-4000-8000-%012x", kind, n) }

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

// dump is all that the file holds, with the sequences of the buckets.
func dump(t *testing.T, s *Sharing) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := s.view(t.Context(), func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
			all[string(name)] = fmt.Sprint(b.Sequence())
			return b.ForEach(func(key, value []byte) error {
				all[fmt.Sprintf("%s %x", name, key)] = fmt.Sprintf("%x", value)
				return nil
			})
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Everything that one site has, another site does not see; and tokens that are no
// UUIDs are nobody's.
func TestSitesSeeOnlyTheirOwn(t *testing.T) {
	s, _ := newSharing(t)
	mine, other := id('s', 1), id('s', 2)
	accept(t, s, acceptanceOf(mine, id('m', 1), publication(1)))
	arriveAs(t, s, mine, 1)
	before := dump(t, s)
	for _, tt := range []struct {
		site, message, user, identity, connection string
	}{
		{other, id('m', 1), id('u', 1), id('i', 1), id('c', 1)},
		{mine, "", "", "", ""},
		{mine, "m", "u", "i", "c"},
		{mine, id('u', 1), id('m', 1), id('u', 1), id('i', 1)}, // of another shelf
		{mine, strings.ToUpper(id('m', 1)), strings.ToUpper(id('u', 1)), "{" + id('i', 1) + "}", "urn:uuid:" + id('c', 1)},
		{"", id('m', 1), id('u', 1), id('i', 1), id('c', 1)},
		{strings.ToUpper(mine), id('m', 1), id('u', 1), id('i', 1), id('c', 1)},
		{mine + "x", id('m', 1), id('u', 1), id('i', 1), id('c', 1)},
		{mine, id('m', 1) + "\x00", strings.Repeat("u", 1<<16), id('i', 1)[:35], "\xff"},
	} {
		ref := publish.Ref{Site: tt.site, Message: tt.message, Number: 1}
		edit := func(*publish.Publication) error { t.Error("got a publication of nobody"); return nil }
		editIdentity := func(*site.Identity) error { t.Error("got an identity of nobody"); return nil }
		ctx := t.Context()
		again := acceptanceOf(tt.site, tt.message, publication(1))
		again.Again = true
		errs := map[string]error{}
		_, _, errs["Message"] = s.Message(ctx, tt.site, tt.message)
		_, _, errs["Publication"] = s.Publication(ctx, ref)
		_, errs["Upload"] = s.Upload(ctx, tt.site, tt.message, 0)
		_, errs["Update"] = s.Update(ctx, ref, edit)
		_, errs["Accept"] = s.Accept(ctx, again)
		errs["Delete"] = s.Delete(ctx, tt.site, tt.message)
		for name, err := range errs {
			if !errors.Is(err, publish.ErrNotFound) {
				t.Errorf("%s of %q, %.50q: got %v; want %v", name, tt.site, tt.message, err, publish.ErrNotFound)
			}
		}
		errs = map[string]error{}
		_, errs["User"] = s.User(ctx, tt.site, tt.user)
		_, errs["DeleteUser"] = s.DeleteUser(ctx, tt.site, tt.user)
		_, errs["Identity"] = s.Identity(ctx, tt.site, tt.identity)
		_, errs["EditIdentity"] = s.EditIdentity(ctx, tt.site, tt.identity, editIdentity)
		_, errs["DeleteIdentity"] = s.DeleteIdentity(ctx, tt.site, tt.identity)
		_, errs["Connection"] = s.Connection(ctx, tt.site, tt.connection)
		for name, err := range errs {
			if !errors.Is(err, site.ErrNotFound) {
				t.Errorf("%s of %q: got %v; want %v", name, tt.site, err, site.ErrNotFound)
			}
		}
	}
	// Nobody takes a token from another site, either.
	if _, err := s.Accept(t.Context(), acceptanceOf(other, id('m', 1))); !errors.Is(err, errToken) {
		t.Errorf("Accept of a token in use: got %v; want %v", err, errToken)
	}
	if err := s.PutUser(t.Context(), other, site.User{Token: id('u', 1)}); !errors.Is(err, site.ErrNotFound) {
		t.Errorf("PutUser of a token in use: got %v; want %v", err, site.ErrNotFound)
	}
	if diff := cmp.Diff(before, dump(t, s)); diff != "" {
		t.Errorf("the file changed (-before +after):\n%s", diff)
	}
}

// arriveAs lets a user with an identity arrive, with tokens of number n.
func arriveAs(t testing.TB, s *Sharing, siteID string, n int) site.Identity {
	t.Helper()
	account := fmt.Sprint(n)
	_, i, _, err := s.Arrive(t.Context(), siteID, "", "mastodon", account, func(*site.User, *site.Identity) (site.User, site.Identity, site.Connection, error) {
		u := site.User{Token: id('u', n), Created: day, LastLogin: day, Logins: 1}
		return u, site.Identity{Token: id('i', n), User: u.Token, Provider: "mastodon", Created: day, Updated: day, Account: site.Account{ID: account}, Sealed: []byte("sealed")},
			site.Connection{Token: id('c', n), User: u.Token, Identity: id('i', n), Created: day, Source: "operator"}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// Nothing stays behind that nobody could find any more.
func TestDeleteLeavesNothing(t *testing.T) {
	s, _ := newSharing(t)
	everything(t, s)
	_, err := s.DeleteUser(t.Context(), id('s', 1), id('u', 1))
	if err := errors.Join(err, s.Delete(t.Context(), id('s', 1), id('m', 1)), s.Delete(t.Context(), id('s', 1), id('m', 2))); err != nil {
		t.Fatal(err)
	}
	kept := []string{
		"meta", "sites", "sums", "keys", "keytimes", "connections", "tokens", "noncetimes",
		"recent", "cids", "tallies", "channels", "channellinks", "places",
	}
	for record, value := range dump(t, s) {
		bucket, key, found := strings.Cut(record, " ")
		if found && (!slices.Contains(kept, bucket) || bucket == "tokens" && !strings.HasPrefix(key, fmt.Sprintf("%x", "c"))) {
			t.Errorf("got %s, %s; want it gone", record, value)
		}
	}
	q := site.ListQuery{Limit: 1}
	messages, err1 := s.List(t.Context(), id('s', 1), q)
	users, err2 := s.ListUsers(t.Context(), id('s', 1), q, site.UserFilter{})
	identities, err3 := s.ListIdentities(t.Context(), id('s', 1), q)
	connections, err4 := s.ListConnections(t.Context(), id('s', 1), q)
	waiting, err5 := s.Waiting(t.Context())
	got := []int{messages.Total, users.Total, identities.Total, connections.Total, waiting}
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil || !slices.Equal(got, []int{0, 0, 0, 1, 0}) {
		t.Errorf("messages, users, identities, connections, waiting: got %v, %v; want 0 0 0 1 0", got, err)
	}
}

func TestIdempotencyKeys(t *testing.T) {
	s, path := newSharing(t)
	keyed := func(token string, key byte, at time.Time) publish.Acceptance {
		a := acceptanceOf(id('s', 1), token, publication(0))
		a.Key, a.Fingerprint, a.At = [32]byte{key}, [32]byte{'f'}, at
		return a
	}
	first := accept(t, s, keyed(id('m', 1), 1, day))
	s.Close()
	s = reopenSharing(t, path)
	again := accept(t, s, keyed(id('m', 2), 1, day.Add(24*time.Hour-time.Millisecond)))
	first.Repeated = true
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("again within a day (-want +got):\n%s", diff)
	}
	// Another round of the message is not the key's.
	round := acceptanceOf(id('s', 1), id('m', 1), publication(0))
	round.Again, round.At = true, day.Add(time.Hour)
	accept(t, s, round)
	first.Message.Rounds, first.Message.LastPublished = 2, round.At
	if diff := cmp.Diff(first, accept(t, s, keyed(id('m', 2), 1, day))); diff != "" {
		t.Errorf("after another round (-want +got):\n%s", diff)
	}
	other := keyed(id('m', 2), 1, day)
	other.Fingerprint[0]++
	if _, err := s.Accept(t.Context(), other); !errors.Is(err, publish.ErrKeyReused) {
		t.Errorf("another request: got %v; want %v", err, publish.ErrKeyReused)
	}
	other.Message.Site, other.Message.Token = id('s', 2), id('m', 3)
	if accept(t, s, other).Repeated {
		t.Error("the key of another site: got a repetition; want none")
	}
	if fresh := accept(t, s, keyed(id('m', 4), 1, day.Add(24*time.Hour))); fresh.Repeated || fresh.Message.Token != id('m', 4) {
		t.Errorf("after a day: got %+v; want a new message", fresh)
	}
	if err := s.Delete(t.Context(), id('s', 1), id('m', 4)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Accept(t.Context(), keyed(id('m', 5), 1, day.Add(25*time.Hour))); !errors.Is(err, publish.ErrNotFound) {
		t.Errorf("after its message was deleted: got %v; want %v", err, publish.ErrNotFound)
	}

	// Old keys go, a few with each acceptance.
	keys := func() (keys, times int) {
		if err := s.view(t.Context(), func(tx *bbolt.Tx) error {
			keys, times = tx.Bucket(keysBucket).Stats().KeyN, tx.Bucket(keyTimesBucket).Stats().KeyN
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return keys, times
	}
	for n := range 10 {
		accept(t, s, keyed(id('m', 100+n), byte(100+n), day.Add(time.Duration(n)*time.Second)))
	}
	if keys, times := keys(); keys != 11 || times != 11 { // the second site's is gone
		t.Fatalf("got %d keys, %d times; want 11", keys, times)
	}
	left := 11
	for n := range 4 {
		accept(t, s, acceptanceOf(id('s', 1), id('m', 200+n))) // at day
		late := acceptanceOf(id('s', 1), id('m', 300+n))
		late.At = day.Add(24*time.Hour + 5*time.Second)
		accept(t, s, late)
		left = max(left-keysSwept, 11-6)
		if keys, times := keys(); keys != left || times != left {
			t.Errorf("after %d late acceptances: got %d keys, %d times; want %d", n+1, keys, times, left)
		}
	}
	if a := accept(t, s, keyed(id('m', 400), 106, day)); !a.Repeated {
		t.Error("a key that is not old: got a new message; want a repetition")
	}
}

func TestBases(t *testing.T) {
	s, path := newSharing(t)
	for _, want := range []link.Bases{
		nil,
		{{Domain: "go.example", URL: "https://go.example"}, {Domain: "127.0.0.1", URL: "http://127.0.0.1:8080"}},
		{{Domain: "go.example", URL: "https://go.example"}},
	} {
		if want != nil {
			if err := s.PutBases(t.Context(), want); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			got, err := s.Bases(t.Context())
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
			s.Close()
			s = reopenSharing(t, path)
		}
	}
}

// What is written again as it is costs no commit.
func TestUnchangedIsNotWritten(t *testing.T) {
	s, _ := newSharing(t)
	accept(t, s, acceptanceOf(id('s', 1), id('m', 1), publication(1)))
	identity := arriveAs(t, s, id('s', 1), 1)
	bases := link.Bases{{Domain: "go.example", URL: "https://go.example"}}
	if err := s.PutBases(t.Context(), bases); err != nil {
		t.Fatal(err)
	}
	transaction := func() (n int) {
		if err := s.view(t.Context(), func(tx *bbolt.Tx) error { n = tx.ID(); return nil }); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := transaction()
	_, err := s.Update(t.Context(), publish.Ref{Site: id('s', 1), Message: id('m', 1), Number: 1}, func(p *publish.Publication) error {
		p.Due = p.Due.Add(time.Microsecond) // below what is kept
		return nil
	})
	edited, editErr := s.EditIdentity(t.Context(), id('s', 1), id('i', 1), func(*site.Identity) error { return nil })
	if err := errors.Join(err, editErr, s.PutBases(t.Context(), bases)); err != nil {
		t.Fatal(err)
	}
	if after := transaction(); after != before {
		t.Errorf("got %d commits; want none", after-before)
	}
	if diff := cmp.Diff(identity, edited); diff != "" {
		t.Errorf("identity (-want +got):\n%s", diff)
	}
}

func TestSharingRefusesStatesThatAreNone(t *testing.T) {
	s, _ := newSharing(t)
	good := acceptanceOf(id('s', 1), id('m', 1), publication(1))
	accept(t, s, good)
	before := dump(t, s)
	if _, err := s.Update(t.Context(), publish.Ref{Site: id('s', 1), Message: id('m', 1), Number: 1}, func(p *publish.Publication) error {
		p.State = "lost"
		return nil
	}); err == nil {
		t.Error("Update: got no error; want one")
	}
	bad := acceptanceOf(id('s', 1), id('m', 2), publication(1), publish.Publication{})
	if _, err := s.Accept(t.Context(), bad); err == nil {
		t.Error("Accept: got no error; want one")
	}
	for _, bad := range []publish.Acceptance{acceptanceOf("s", id('m', 2)), acceptanceOf(id('s', 1), "m")} {
		if _, err := s.Accept(t.Context(), bad); !errors.Is(err, errToken) {
			t.Errorf("Accept of %q, %q: got %v; want %v", bad.Message.Site, bad.Message.Token, err, errToken)
		}
	}
	if diff := cmp.Diff(before, dump(t, s)); diff != "" {
		t.Errorf("the file changed (-before +after):\n%s", diff)
	}
}

func TestClosedSharing(t *testing.T) {
	s, _ := newSharing(t)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, _, err := s.Message(t.Context(), id('s', 1), id('m', 1))
	_, acceptErr := s.Accept(t.Context(), acceptanceOf(id('s', 1), id('m', 1)))
	for what, err := range map[string]error{"Message": err, "Accept": acceptErr} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s: got %v; want %v", what, err, ErrClosed)
		}
	}
}

// Many callers accept and update at once: nothing is lost, every one has its own.
func TestConcurrentCallers(t *testing.T) {
	s, path := newSharing(t)
	const callers, each = 16, 12
	var group errgroup.Group
	for c := range callers {
		group.Go(func() error {
			for n := range each {
				token := id('m', c*each+n)
				a := acceptanceOf(id('s', c%3), token, publication(2), publication(0))
				a.Key = [32]byte{1, byte(n)} // shared by the callers of a site
				accepted, err := s.Accept(t.Context(), a)
				if err != nil {
					return err
				}
				m, ps, err := s.Message(t.Context(), id('s', c%3), accepted.Message.Token)
				if err != nil || len(ps) != 2 || m.Rounds != 1 {
					return fmt.Errorf("read %s: got %+v, %d publications, %w", token, m, len(ps), err)
				}
				for _, p := range accepted.Publications {
					_, err := s.Update(t.Context(), p.Ref(), func(p *publish.Publication) error {
						p.Tries++
						if p.Number == 2 {
							p.State = publish.Published
						}
						return nil
					})
					if err != nil {
						return err
					}
				}
			}
			return nil
		})
	}
	group.Go(func() error {
		for range 200 {
			if _, _, err := s.Due(t.Context(), day.AddDate(1, 0, 0), 10, nil); err != nil {
				return err
			}
			if _, err := s.List(t.Context(), id('s', 1), site.ListQuery{Limit: 500}); err != nil {
				return err
			}
		}
		return nil
	})
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	s.Close()
	s = reopenSharing(t, path)
	tries := 0
	for n := range 3 {
		page, err := s.List(t.Context(), id('s', n), site.ListQuery{Limit: 500})
		if err != nil || page.Total != each || len(page.Entries) != each {
			t.Fatalf("site %d: got %d of %d messages, %v; want one for each key, %d", n, len(page.Entries), page.Total, err, each)
		}
		for _, h := range page.Entries {
			_, ps, err := s.Message(t.Context(), id('s', n), h.Token)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range ps {
				tries += p.Tries
			}
		}
	}
	if want := callers * each * 2; tries != want {
		t.Errorf("got %d updates; want %d", tries, want)
	}
	if n, err := s.Waiting(t.Context()); err != nil || n != 3*each {
		t.Errorf("Waiting: got %d, %v; want %d", n, err, 3*each)
	}
}

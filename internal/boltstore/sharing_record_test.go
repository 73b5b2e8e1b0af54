package boltstore

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"
	"go.etcd.io/bbolt"

	"herald.example/internal/link"
	"herald.example/internal/publish"
	"herald.example/internal/site"
)

var update = flag.Bool("update", false, "write the golden files anew: only together with a new version of the format")

// everything fills a store with one of each kind of record.
func everything(t *testing.T, s *Sharing) {
	t.Helper()
	pair := site.KeyPair{Public: id('k', 1), Private: []byte("sealed"), Created: day, Expires: day.AddDate(0, 0, 1)}
	one := site.Site{ID: id('s', 1), Name: "a", Created: day, Domain: "go.example", Simulated: []string{"facebook"}, Keys: []site.KeyPair{pair}, Gigya: gigya("3_a")}
	if err := errors.Join(s.PutSite(t.Context(), one), s.PutBases(t.Context(), link.Bases{{Domain: "go.example", URL: "https://go.example"}})); err != nil {
		t.Fatal(err)
	}
	arriveAs(t, s, id('s', 1), 1)
	_, err := s.EditIdentity(t.Context(), id('s', 1), id('i', 1), func(i *site.Identity) error {
		i.Account = site.Account{ID: "1", Name: "alice@social.example", Server: "https://social.example", URL: "https://social.example/@alice"}
		i.Profile = site.Profile{
			DisplayName: "Alice", Username: "alice", GivenName: "A", FamilyName: "L", About: "about", Location: "here",
			Picture: "https://social.example/a.png", Email: "alice@mail.example", Languages: []string{"de"},
		}
		i.Broken = "revoked"
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	a := acceptanceOf(id('s', 1), id('m', 1), publication(2), publication(0))
	a.Key, a.Fingerprint = [32]byte{'k'}, [32]byte{'f'}
	a.Message.Parts = publish.Parts{
		Text:    &publish.Text{Body: "Grüße"},
		Link:    &publish.Link{URL: "https://www.example.com/", Name: "n", Caption: "c", Description: "d"},
		Picture: &publish.Media{URL: "https://www.example.com/p.png"}, Video: &publish.Media{URL: "https://www.example.com/v.mp4"},
		Uploads: []publish.Upload{{Name: "a.png", Type: "image/png", Size: 3, Data: []byte("abc")}}, Tracking: true,
	}
	a.Publications[1] = publish.Publication{
		Provider: "bluesky", User: id('u', 1), Identity: id('i', 2), State: publish.Published,
		Created: day, Sent: day.Add(time.Second), Due: day.Add(2 * time.Second), Tries: 2, LinksPut: true,
		Links:   []publish.TrackedLink{{Ref: link.Ref{Domain: "go.example", Slug: "8WEtk2a"}, Target: "https://www.example.com/", Created: day, Deleted: true}},
		Receipt: publish.Receipt{ID: "at://1", URL: "https://bsky.example/1", At: day.Add(3 * time.Second), Note: "cut"},
		Refusal: &publish.Refusal{Kind: publish.RateLimited, Message: "slow down", Status: 429, Code: "4", Trace: "x", At: day},
	}
	accept(t, s, a)
	if _, err = s.EditUser(t.Context(), id('s', 1), id('u', 1), func(u *site.User) error { u.UID = "user 1/ü"; return nil }); err != nil {
		t.Fatal(err)
	}
	s.now = func() time.Time { return day }
	remember(t, s, "key", "nonce", day.Add(time.Minute), true)
	everythingReported(t, s)
}

// everythingReported fills a store with one of each kind of record that Gigya's dialect
// alone makes.
func everythingReported(t *testing.T, s *Sharing) {
	t.Helper()
	a := acceptanceOf(id('s', 1), id('m', 2), publication(1))
	a.Message.Parts = publish.Parts{
		Text: &publish.Text{Body: "status"}, Longer: 139, Action: &publish.Action{Links: []publish.ActionLink{{Title: "t", URL: "https://www.example.com/"}}},
		Share: &publish.Share{Kind: publish.StatusShare, CID: "home page", Tags: []string{"a"}},
	}
	a.Publications[0].Brief = true
	a.Digests, a.Within = [][32]byte{{'d'}}, time.Minute
	ref := accept(t, s, a).Publications[0].Ref()
	_, err := s.Update(t.Context(), ref, func(p *publish.Publication) error {
		p.State, p.LinksPut, p.Receipt = publish.Published, true, publish.Receipt{ID: "1", At: day}
		return nil
	})
	err = errors.Join(err,
		s.Count(t.Context(), id('s', 1), site.Event{Measure: site.Actions, At: day, CID: "home page", Times: 2}),
		s.NoteLinks(t.Context(), id('s', 1), "", "facebook", day, link.Ref{Domain: "go.example", Slug: "8WEtk3a"}),
		s.PutPlaces(t.Context(), id('s', 1), []site.Place{{ID: "1", Name: "Café", Latitude: 47.25, Longitude: -8.5}}),
	)
	if err != nil {
		t.Fatal(err)
	}
}

// gigya are settings and keys with everything set.
func gigya(apiKey string) site.Gigya {
	return site.Gigya{
		APIKey: apiKey, Secret: []byte("sealed"),
		UserKeys:   []site.UserKey{{Key: "A1", Secret: []byte("sealed too"), Created: day}, {Key: "A2", RSA: []byte{0x30}, Created: day}},
		DataCentre: "us1", Trusted: []string{"*.example.com/*"}, ShortURLs: "never", CID: "home page", CookieDomain: "example.com", Providers: []string{"twitter"},
	}
}

// The bytes of every kind of record, and of the keys. When this fails, files that
// exist cannot be read any more: the format needs a new version.
func TestSharingFormat(t *testing.T) {
	s, _ := newSharing(t)
	everything(t, s)
	var got strings.Builder
	err := s.view(t.Context(), func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
			fmt.Fprintf(&got, "%s, sequence %d\n", name, b.Sequence())
			return b.ForEach(func(key, value []byte) error {
				fmt.Fprintf(&got, "\t%q\n\t\t%q\n", key, value)
				return nil
			})
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "sharing.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got.String(), "\n")); diff != "" {
		t.Errorf("%s (-want +got):\n%s", golden, diff)
	}
}

// Records that are damaged, of an unknown version or missing give ErrDamaged, and
// never a panic.
func TestDamagedSharing(t *testing.T) {
	read := map[string]func(s *Sharing) error{
		"Bases": func(s *Sharing) error { _, err := s.Bases(t.Context()); return err },
		"Sites": func(s *Sharing) error { _, err := s.Sites(t.Context()); return err },
		"PutSite": func(s *Sharing) error {
			return s.PutSite(t.Context(), site.Site{ID: id('s', 2), Name: "b"})
		},
		"UserByUID": func(s *Sharing) error { _, err := s.UserByUID(t.Context(), id('s', 1), "user 1/ü"); return err },
		"EditUser": func(s *Sharing) error {
			_, err := s.EditUser(t.Context(), id('s', 1), id('u', 1), func(*site.User) error { return nil })
			return err
		},
		"PutUser": func(s *Sharing) error {
			return s.PutUser(t.Context(), id('s', 1), site.User{Token: id('u', 1), UID: "user 1/ü"})
		},
		"User": func(s *Sharing) error { _, err := s.User(t.Context(), id('s', 1), id('u', 1)); return err },
		"Users": func(s *Sharing) error {
			_, err := s.ListUsers(t.Context(), id('s', 1), site.ListQuery{Limit: 1}, site.UserFilter{})
			return err
		},
		"Filter": func(s *Sharing) error {
			_, err := s.ListUsers(t.Context(), id('s', 1), site.ListQuery{Limit: 1}, site.UserFilter{CreatedAfter: day.AddDate(-1, 0, 0)})
			return err
		},
		"Identity": func(s *Sharing) error { _, err := s.Identity(t.Context(), id('s', 1), id('i', 1)); return err },
		"Identities": func(s *Sharing) error {
			_, err := s.ListIdentities(t.Context(), id('s', 1), site.ListQuery{Limit: 1})
			return err
		},
		"Connection": func(s *Sharing) error { _, err := s.Connection(t.Context(), id('s', 1), id('c', 1)); return err },
		"Connections": func(s *Sharing) error {
			_, err := s.ListConnections(t.Context(), id('s', 1), site.ListQuery{Limit: 1})
			return err
		},
		"Edit": func(s *Sharing) error {
			_, err := s.EditIdentity(t.Context(), id('s', 1), id('i', 1), func(i *site.Identity) error { i.Broken = "x"; return nil })
			return err
		},
		"Arrive": func(s *Sharing) error {
			_, _, _, err := s.Arrive(t.Context(), id('s', 1), "", "mastodon", "1", func(u *site.User, i *site.Identity) (site.User, site.Identity, site.Connection, error) {
				if u == nil || i == nil {
					return site.User{}, site.Identity{}, site.Connection{}, errors.New("nobody was known")
				}
				return *u, *i, site.Connection{Token: id('c', 2)}, nil
			})
			return err
		},
		"Message": func(s *Sharing) error { _, _, err := s.Message(t.Context(), id('s', 1), id('m', 1)); return err },
		"Publication": func(s *Sharing) error {
			_, _, err := s.Publication(t.Context(), publish.Ref{Site: id('s', 1), Message: id('m', 1), Number: 1})
			return err
		},
		"Upload": func(s *Sharing) error { _, err := s.Upload(t.Context(), id('s', 1), id('m', 1), 0); return err },
		"Messages": func(s *Sharing) error {
			_, err := s.List(t.Context(), id('s', 1), site.ListQuery{Limit: 1})
			return err
		},
		"Due":     func(s *Sharing) error { _, _, err := s.Due(t.Context(), day.AddDate(1, 0, 0), 1, nil); return err },
		"Next":    func(s *Sharing) error { _, _, err := s.Due(t.Context(), day, 1, nil); return err },
		"Waiting": func(s *Sharing) error { _, err := s.Waiting(t.Context()); return err },
		"Repeat": func(s *Sharing) error {
			a := acceptanceOf(id('s', 1), id('m', 9))
			a.Key, a.Fingerprint = [32]byte{'k'}, [32]byte{'f'}
			_, err := s.Accept(t.Context(), a)
			return err
		},
		"Update": func(s *Sharing) error {
			_, err := s.Update(t.Context(), publish.Ref{Site: id('s', 1), Message: id('m', 1), Number: 1}, func(*publish.Publication) error { return nil })
			return err
		},
		"Count": func(s *Sharing) error {
			return s.Count(t.Context(), id('s', 1), site.Event{Measure: site.StatusUpdates, At: day, CID: "home page", Provider: "mastodon", Times: 1})
		},
		"Tallies": func(s *Sharing) error {
			_, err := s.Tallies(t.Context(), id('s', 1), site.ReportQuery{From: day, To: day})
			return err
		},
		"NoteLinks": func(s *Sharing) error {
			return s.NoteLinks(t.Context(), id('s', 1), "", "facebook", day, link.Ref{Domain: "go.example", Slug: "8WEtk3b"})
		},
		"SharedLinks": func(s *Sharing) error {
			return s.SharedLinks(t.Context(), id('s', 1), site.ReportQuery{To: day}, func(string, string, []link.Ref) error { return nil })
		},
		"Places": func(s *Sharing) error { _, err := s.Places(t.Context(), id('s', 1)); return err },
		"Again": func(s *Sharing) error {
			a := acceptanceOf(id('s', 1), id('m', 1), publication(0))
			a.Again = true
			_, err := s.Accept(t.Context(), a)
			return err
		},
	}
	// noticed says which readings find a record damaged.
	noticed := map[string][]string{
		"meta bases":   {"Bases"},
		"meta waiting": {"Waiting"},
		"sites":        {"Sites", "PutSite"},
		"tokens m":     {"Message", "Publication", "Upload", "Again"},
		"tokens u":     {"User", "EditUser"},
		"tokens i":     {"Identity", "Edit"},
		"tokens c":     {"Connection"},
		"sums m":       {"Messages"},
		"sums u":       {"Users"},
		"sums i":       {"Identities"},
		"sums c":       {"Connections"},
		"heads":        {"Message", "Publication", "Messages", "Repeat", "Again", "Update"},
		"bodies":       {"Message", "Publication", "Repeat", "Again"},
		"uploads":      {"Upload"},
		"publications": {"Message", "Publication", "Repeat", "Update"},
		"outbox":       {"Due", "Next"},
		"keys":         {"Repeat"},
		"users":        {"User", "UserByUID", "Users", "Filter", "Arrive", "EditUser", "PutUser"},
		"identities":   {"User", "UserByUID", "Users", "Identity", "Identities", "Edit", "Arrive"},
		"accounts":     {"Arrive"},
		"connections":  {"Connection", "Connections"},
		"uids":         {"UserByUID"},
		"tallies":      {"Count", "Tallies"},
		"channels":     {"NoteLinks", "SharedLinks"},
		"places":       {"Places"},
	}
	// missed says which find that a record is missing. A list does not know what it
	// lacks.
	missed := map[string][]string{
		"heads":        {"Message", "Publication", "Again"},
		"bodies":       {"Message", "Publication", "Repeat", "Again"},
		"publications": {"Message", "Repeat"},
		"users":        {"User", "UserByUID", "Arrive", "EditUser", "PutUser"},
		"identities":   {"User", "UserByUID", "Users", "Identity", "Edit", "Arrive"},
		"connections":  {"Connection"},
	}
	versioned := func(record string) bool {
		bucket, _, _ := strings.Cut(record, " ")
		return record != "meta waiting" &&
			!slices.Contains([]string{"tokens", "sums", "outbox", "accounts", "uids", "tallies", "channels"}, bucket)
	}
	damages := []struct {
		name   string
		readBy map[string][]string
		can    func(record string) bool // nil: all records
		harm   func(value []byte) []byte
	}{
		{"cut", noticed, func(record string) bool { return record != "uploads" }, func(v []byte) []byte { return v[:len(v)-1] }},
		{"longer", noticed, func(record string) bool { return record != "uploads" }, func(v []byte) []byte { return append(bytes.Clone(v), 0) }},
		{"empty", noticed, versioned, func([]byte) []byte { return []byte{} }},
		{"unknown version", noticed, versioned, func(v []byte) []byte { return append([]byte{9}, v[1:]...) }},
		{"missing", missed, nil, func([]byte) []byte { return nil }},
	}
	s, _ := newSharing(t)
	everything(t, s)
	put := func(bucket string, key, value []byte) {
		err := s.db.Update(func(tx *bbolt.Tx) error {
			if value == nil {
				return tx.Bucket([]byte(bucket)).Delete(key)
			}
			return tx.Bucket([]byte(bucket)).Put(key, value)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, damage := range damages {
		for record, readings := range damage.readBy {
			if damage.can != nil && !damage.can(record) {
				continue
			}
			bucket, which, _ := strings.Cut(record, " ")
			key, value := find(t, s, bucket, which)
			put(bucket, key, damage.harm(value))
			for _, reading := range readings {
				if err := read[reading](s); !errors.Is(err, ErrDamaged) {
					t.Errorf("%s, %s: %s: got %v; want %v", record, damage.name, reading, err, ErrDamaged)
				}
			}
			put(bucket, key, value)
		}
	}
}

// find finds the first record of a bucket, or the one that which names.
func find(t *testing.T, s *Sharing, bucket, which string) (key, value []byte) {
	t.Helper()
	err := s.view(t.Context(), func(tx *bbolt.Tx) error {
		c := tx.Bucket([]byte(bucket)).Cursor()
		for k, v := c.First(); k != nil; k, v = c.Next() {
			switch {
			case which == "",
				bucket == "meta" && string(k) == which,
				bucket == "tokens" && k[0] == which[0],
				bucket == "sums" && len(k) == 17 && k[16] == which[0]:
				key, value = bytes.Clone(k), bytes.Clone(v)
				return nil
			}
		}
		return errors.New("no such record")
	})
	if err != nil {
		t.Fatalf("find %s %s: %v", bucket, which, err)
	}
	return key, value
}

// olderUser is the record of a user as it was before there were UIDs.
func olderUser(token uuid.UUID, u site.User) []byte {
	b := appendUser(nil, token, u)
	b[0] = sharingVersion
	return b[:len(b)-1]
}

// A file from before there were UIDs, nonces, reports and what sites have for Gigya's
// dialect opens, and takes them.
func TestOlderSharingOpens(t *testing.T) {
	s, path := newSharing(t)
	everything(t, s)
	sites, err := s.Sites(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	older := sites[0]
	older.Gigya = site.Gigya{}
	err = errors.Join(s.PutSite(t.Context(), older), s.db.Update(func(tx *bbolt.Tx) error {
		key, value := tx.Bucket(usersBucket).Cursor().First()
		token, u, ok := parseUser(value)
		if !ok {
			return ErrDamaged
		}
		u.UID = ""
		return errors.Join(
			tx.Bucket(usersBucket).Put(bytes.Clone(key), olderUser(token, u)),
			tx.DeleteBucket(uidsBucket), tx.DeleteBucket(nonceTimesBucket), tx.DeleteBucket(recentBucket), tx.DeleteBucket(cidsBucket), tx.DeleteBucket(talliesBucket),
			tx.DeleteBucket(channelsBucket), tx.DeleteBucket(channelLinksBucket), tx.DeleteBucket(placesBucket),
		)
	}))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // made once, then there
		s.Close()
		s = reopenSharing(t, path)
		s.now = func() time.Time { return day }
		if sites, err := s.Sites(t.Context()); err != nil || len(sites) != 1 || !reflect.DeepEqual(sites[0], older) {
			t.Errorf("got sites %+v, %v; want %+v", sites, err, older)
		}
		if p, err := s.User(t.Context(), id('s', 1), id('u', 1)); err != nil || p.UID != "" || p.Logins != 1 {
			t.Errorf("got user %+v, %v; want the one of before", p.User, err)
		}
		if _, err := s.UserByUID(t.Context(), id('s', 1), "u"); !errors.Is(err, site.ErrNotFound) {
			t.Errorf("got %v; want %v", err, site.ErrNotFound)
		}
	}
	remember(t, s, "key", "nonce", day.Add(time.Minute), true)
	if err := s.Delete(t.Context(), id('s', 1), id('m', 2)); err != nil {
		t.Fatal(err)
	}
	everythingReported(t, s)
	_, err = s.EditUser(t.Context(), id('s', 1), id('u', 1), func(u *site.User) error { u.UID = "u"; return nil })
	if p, readErr := s.UserByUID(t.Context(), id('s', 1), "u"); err != nil || readErr != nil || p.Token != id('u', 1) {
		t.Errorf("got user %+v, %v, %v; want the one of before", p.User, err, readErr)
	}
}

func TestSharingRecordsRoundTrip(t *testing.T) {
	long := strings.Repeat("ü", 10_000)
	far := time.UnixMilli(math.MaxInt64).UTC()
	token, _ := parseID(id('m', 1))
	t.Run("publication", func(t *testing.T) {
		for _, p := range []publish.Publication{
			{State: publish.Pending},
			{State: publish.Unknown, Round: math.MaxInt32, Tries: -1, Provider: long, User: long, Identity: "\x00\xff", Created: far, Sent: far, Due: time.UnixMilli(-5).UTC()},
			{State: publish.Failed, Links: make([]publish.TrackedLink, 300), Refusal: &publish.Refusal{}, LinksPut: true},
			{State: publish.Published, Receipt: publish.Receipt{ID: long, URL: long, Note: long, At: far}},
		} {
			for i := range p.Links {
				p.Links[i] = publish.TrackedLink{Ref: link.Ref{Domain: "d", Slug: fmt.Sprint(i)}, Target: long, Created: far, Deleted: i%2 == 0}
			}
			b := appendPublication(nil, p)
			got, ok := parsePublication(b)
			if diff := cmp.Diff(p, got); !ok || diff != "" {
				t.Errorf("got ok %t (-want +got):\n%.2000s", ok, diff)
			}
			for n := 0; n < len(b); n += 1 + n/50 {
				if _, ok := parsePublication(b[:n]); ok {
					t.Fatalf("cut to %d of %d bytes: got one; want none", n, len(b))
				}
			}
		}
	})
	t.Run("head", func(t *testing.T) {
		for _, h := range []head{
			{},
			{token: token, created: 1, lastPublished: -1, rounds: 1, publications: 100},
			{token: token, created: math.MaxInt64, lastPublished: math.MinInt64, rounds: math.MaxInt32, publications: math.MaxInt32},
			{token: token, created: 1, shared: true},
			{token: token, created: 1, shared: true, status: true, cid: long[:maxCID]},
		} {
			if got, ok := parseHead(h.append(nil)); !ok || got != h {
				t.Errorf("got %+v, %t; want %+v", got, ok, h)
			}
		}
		if got, ok := parseHead(head{rounds: math.MaxInt32 + 1}.append(nil)); ok {
			t.Errorf("too many rounds: got %+v; want none", got)
		}
	})
	t.Run("user", func(t *testing.T) {
		for _, u := range []site.User{{Created: day, LastLogin: far, Logins: 7, UID: long}, {Created: day, LastLogin: day, Logins: -1}} {
			b := appendUser(nil, token, u)
			if got, u2, ok := parseUser(b); !ok || got != token || u2 != u {
				t.Errorf("got %.200v, %t; want %.200v", u2, ok, u)
			}
			for n := 0; n < len(b); n += 1 + n/50 {
				if _, _, ok := parseUser(b[:n]); ok {
					t.Fatalf("cut to %d of %d bytes: got one; want none", n, len(b))
				}
			}
			u.UID = ""
			if got, u2, ok := parseUser(olderUser(token, u)); !ok || got != token || u2 != u {
				t.Errorf("of the version before: got %v, %t; want %v", u2, ok, u)
			}
		}
	})
	t.Run("dates in keys sort", func(t *testing.T) {
		var last []byte
		for _, ms := range []int64{math.MinInt64, time.Time{}.UnixMilli(), -1, 0, 1, day.UnixMilli(), math.MaxInt64} {
			key := appendDate(nil, ms)
			if bytes.Compare(last, key) >= 0 || parseDate(key) != ms {
				t.Errorf("%d: got %x, read as %d, behind %x; want it larger, and read back", ms, key, parseDate(key), last)
			}
			last = key
		}
	})
}

// fuzzRecord checks that what is read as a record is written and read as the same.
func fuzzRecord[T any](f *testing.F, seeds [][]byte, parse func([]byte) (T, bool), write func(T) []byte) {
	f.Add([]byte(nil))
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		v, ok := parse(b)
		if !ok {
			return
		}
		again, ok := parse(write(v))
		if diff := cmp.Diff(v, again, cmp.AllowUnexported(head{}, keyRecord{}, recentRecord{}, channel{}), cmpopts.EquateEmpty()); !ok || diff != "" {
			t.Fatalf("%x: read again: ok %t (-want +got):\n%s", b, ok, diff)
		}
	})
}

func FuzzParsePublication(f *testing.F) {
	p := publication(2)
	p.Refusal = &publish.Refusal{Kind: publish.Transient, At: day}
	fuzzRecord(f, [][]byte{appendPublication(nil, publication(0)), appendPublication(nil, p)}, parsePublication,
		func(p publish.Publication) []byte { return appendPublication(nil, p) })
}

func FuzzParseHead(f *testing.F) {
	h := head{created: 1, lastPublished: 2, rounds: 3, publications: 4}
	seeds := [][]byte{h.append(nil)}
	h.shared, h.cid = true, "home page"
	seeds = append(seeds, h.append(nil))
	h.status = true
	fuzzRecord(f, append(seeds, h.append(nil)), parseHead, func(h head) []byte { return h.append(nil) })
}

func FuzzParseKey(f *testing.F) {
	fuzzRecord(f, [][]byte{keyRecord{at: 1, sequence: 2, round: 3}.append(nil)}, parseKey, func(k keyRecord) []byte { return k.append(nil) })
}

func FuzzParseConnection(f *testing.F) {
	token, _ := parseID(id('c', 1))
	write := func(c site.Connection) []byte {
		token, _ := parseID(c.Token)
		return appendConnection(nil, token, c)
	}
	fuzzRecord(f, [][]byte{appendConnection(nil, token, site.Connection{User: "u", Identity: "i", Source: "import", Created: day})}, parseConnection, write)
}

func FuzzParseUser(f *testing.F) {
	token, _ := parseID(id('u', 1))
	parse := func(b []byte) (site.User, bool) {
		token, u, ok := parseUser(b)
		u.Token = token.String()
		return u, ok
	}
	write := func(u site.User) []byte {
		token, _ := parseID(u.Token)
		return appendUser(nil, token, u)
	}
	u := site.User{Created: day, LastLogin: day, Logins: 3}
	seeds := [][]byte{appendUser(nil, token, u), olderUser(token, u)}
	u.UID = "user-42@example.com"
	fuzzRecord(f, append(seeds, appendUser(nil, token, u)), parse, write)
}

func FuzzParseIdentity(f *testing.F) {
	fuzzRecord(f, [][]byte{appendJSON(nil, identityRecord{Token: "t", Sealed: []byte{0, 1}, Profile: profileRecord{Languages: []string{"de"}}})},
		parseJSON[identityRecord], func(r identityRecord) []byte { return appendJSON(nil, newIdentityRecord(r.identity())) })
}

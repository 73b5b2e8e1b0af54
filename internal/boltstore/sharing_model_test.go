package boltstore

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"herald.example/internal/link"
	"herald.example/internal/publish"
	"herald.example/internal/site"
)

// sharingModel is what a store must answer of messages.
type sharingModel struct {
	messages map[string][]*modelMessage // by site, in the order of creation
	keys     map[modelKey]modelFirst
	created  int
}

type modelMessage struct {
	publish.Message
	publications []publish.Publication
	number       int // in the order of creation
	deleted      bool
}

type modelKey struct {
	site string
	key  [32]byte
}

type modelFirst struct {
	fingerprint [32]byte
	at          time.Time
	message     *modelMessage
	round       int
}

func (m *sharingModel) find(siteID, token string) *modelMessage {
	for _, one := range m.messages[siteID] {
		if one.Token == token {
			return one
		}
	}
	return nil
}

func (m *sharingModel) accept(a publish.Acceptance) (accepted publish.Accepted, err error) {
	key := modelKey{a.Message.Site, a.Key}
	if first, ok := m.keys[key]; ok && a.At.Sub(first.at) < 24*time.Hour {
		switch {
		case first.fingerprint != a.Fingerprint:
			return accepted, publish.ErrKeyReused
		case first.message.deleted:
			return accepted, publish.ErrNotFound
		}
		accepted = publish.Accepted{Message: first.message.Message, Repeated: true}
		for _, p := range first.message.publications {
			if p.Round == first.round {
				accepted.Publications = append(accepted.Publications, p)
			}
		}
		return accepted, nil
	}
	one := m.find(a.Message.Site, a.Message.Token)
	switch {
	case a.Again && one == nil:
		return accepted, publish.ErrNotFound
	case !a.Again:
		m.created++
		one = &modelMessage{Message: a.Message, number: m.created}
		m.messages[a.Message.Site] = append(m.messages[a.Message.Site], one)
	}
	one.Rounds++
	one.LastPublished = a.At
	accepted.Publications = []publish.Publication{}
	for _, p := range a.Publications {
		p.Site, p.Message, p.Number, p.Round = one.Site, one.Token, len(one.publications)+1, one.Rounds
		one.publications = append(one.publications, p)
		accepted.Publications = append(accepted.Publications, p)
	}
	if a.Key != [32]byte{} {
		m.keys[key] = modelFirst{a.Fingerprint, a.At, one, one.Rounds}
	}
	accepted.Message = one.Message
	return accepted, nil
}

func (m *sharingModel) delete(siteID, token string) error {
	one := m.find(siteID, token)
	if one == nil {
		return publish.ErrNotFound
	}
	one.deleted = true
	m.messages[siteID] = slices.DeleteFunc(m.messages[siteID], func(other *modelMessage) bool { return other == one })
	return nil
}

// due are the publications in the outbox, the earliest first.
func (m *sharingModel) due() (all []publish.Publication) {
	numbers := map[string]int{}
	for _, of := range m.messages {
		for _, one := range of {
			numbers[one.Token] = one.number
			for _, p := range one.publications {
				if !p.State.Final() {
					all = append(all, p)
				}
			}
		}
	}
	slices.SortFunc(all, func(a, b publish.Publication) int {
		return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.Site, b.Site), numbers[a.Message]-numbers[b.Message], a.Number-b.Number)
	})
	return all
}

// pageOf cuts the page of a query, whose After is there, out of all entries.
func pageOf[T any](all []T, token func(T) string, q site.ListQuery) site.Page[T] {
	rest := slices.Clone(all)
	if q.Descending {
		slices.Reverse(rest)
	}
	if q.After != "" {
		rest = rest[1+slices.IndexFunc(rest, func(e T) bool { return token(e) == q.After }):]
	}
	rest = rest[min(q.Skip, len(rest)):]
	page := site.Page[T]{Total: len(all), More: len(rest) > q.Limit}
	page.Entries = append(page.Entries, rest[:min(q.Limit, len(rest))]...) // nil when there are none
	return page
}

// dice are the random choices of a test.
type dice struct{ *rand.Rand }

func (d dice) pick(from ...string) string { return from[d.IntN(len(from))] }

// query is a random one behind one of all.
func (d dice) query(all []string) site.ListQuery {
	q := site.ListQuery{Limit: 1 + d.IntN(6), Descending: d.IntN(2) == 0}
	if len(all) > 0 && d.IntN(2) == 0 {
		q.After = d.pick(all...)
	}
	if d.IntN(2) == 0 {
		q.Skip = d.IntN(len(all) + 3)
	}
	return q
}

// publication is a random one, some time around now.
func (d dice) publication(now time.Time) publish.Publication {
	moment := func() time.Time { return now.Add(time.Duration(d.IntN(100_000)-20_000) * time.Millisecond) }
	p := publication(d.IntN(4))
	p.State, p.Created, p.Due = states[d.IntN(len(states))], now, moment()
	p.Provider, p.Identity = d.pick("mastodon", "bluesky"), d.pick("", id('i', 3))
	d.change(&p, now)
	return p
}

// change changes a publication in all that may change.
func (d dice) change(p *publish.Publication, now time.Time) {
	p.State = states[d.IntN(len(states))]
	p.LinksPut = d.IntN(2) == 0
	p.Tries += d.IntN(3)
	p.Sent = now
	if d.IntN(2) == 0 {
		p.Due = now.Add(time.Duration(d.IntN(100_000)-20_000) * time.Millisecond)
	}
	if d.IntN(3) == 0 {
		p.Receipt = publish.Receipt{ID: d.pick("", "at://did:plc:x/app.bsky.feed.post/1"), URL: "https://a.example/ü", At: now, Note: "no\x00\xff picture"}
	}
	if d.IntN(3) == 0 {
		p.Refusal = &publish.Refusal{Kind: publish.RateLimited, Message: d.pick("", "slow down"), Status: 429, Code: "4", Trace: "x", At: now}
	}
	for i := range p.Links {
		p.Links[i].Deleted = d.IntN(2) == 0
	}
}

func TestRandomMessagesAgainstAModel(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			d := dice{rand.New(rand.NewPCG(seed, 3))}
			s, path := newSharing(t)
			m := &sharingModel{messages: map[string][]*modelMessage{}, keys: map[modelKey]modelFirst{}}
			sites := []string{id('s', 1), id('s', 2), id('s', 3)}
			anyToken := func() string { return id('m', 1+d.IntN(m.created+1)) }
			now := day
			for i := range 500 {
				now = now.Add(time.Duration(d.IntN(7200)-600) * time.Second)
				siteID := d.pick(sites...)
				switch op := d.IntN(100); {
				case op < 35:
					a := acceptanceOf(siteID, id('m', m.created+1))
					if a.Again = d.IntN(3) == 0; a.Again {
						a.Message.Token = anyToken()
					}
					a.At, a.Message.Created = now, now
					a.Message.Parts.Link = &publish.Link{URL: fmt.Sprint("https://a.example/", i)}
					if d.IntN(2) == 0 {
						a.Key[0], a.Fingerprint[31] = byte(d.IntN(20)), byte(d.IntN(2))
					}
					for range d.IntN(4) {
						a.Publications = append(a.Publications, d.publication(now))
					}
					want, wantErr := m.accept(a)
					got, err := s.Accept(t.Context(), a)
					if diff := gocmp.Diff(want, got); !errors.Is(err, wantErr) || (err == nil) != (wantErr == nil) || diff != "" {
						t.Fatalf("operation %d, accept: got %v; want %v (-want +got):\n%s", i, err, wantErr, diff)
					}
				case op < 70:
					ref := publish.Ref{Site: siteID, Message: anyToken(), Number: d.IntN(5)}
					one := m.find(ref.Site, ref.Message)
					refused := errors.New("refused")
					switch refuse := d.IntN(8) == 0; {
					case one == nil || ref.Number < 1 || ref.Number > len(one.publications):
						if _, err := s.Update(t.Context(), ref, nil); !errors.Is(err, publish.ErrNotFound) {
							t.Fatalf("operation %d, update %v: got %v; want %v", i, ref, err, publish.ErrNotFound)
						}
					default:
						var want publish.Publication
						got, err := s.Update(t.Context(), ref, func(p *publish.Publication) error {
							d.change(p, now)
							want = *p
							p.Site, p.Message, p.Number, p.Round = "", "", 99, 99 // these stay
							if refuse {
								return refused
							}
							return nil
						})
						if refuse {
							if !errors.Is(err, refused) {
								t.Fatalf("operation %d, update: got %v; want the edit's error", i, err)
							}
							break
						}
						if diff := gocmp.Diff(want, got); err != nil || diff != "" {
							t.Fatalf("operation %d, update: %v (-want +got):\n%s", i, err, diff)
						}
						one.publications[ref.Number-1] = want
					}
				case op < 78:
					token := anyToken()
					want := m.delete(siteID, token)
					if err := s.Delete(t.Context(), siteID, token); !errors.Is(err, want) || (err == nil) != (want == nil) {
						t.Fatalf("operation %d, delete: got %v; want %v", i, err, want)
					}
				case op < 80:
					if err := s.Close(); err != nil {
						t.Fatal(err)
					}
					s = reopenSharing(t, path)
				case op < 90:
					compareOutbox(t, s, m, now.Add(time.Duration(d.IntN(60))*time.Second), 1+d.IntN(20))
				default:
					compareMessage(t, s, m, siteID, anyToken())
					compareList(t, s, m, d, siteID)
				}
			}
			s.Close()
			s = reopenSharing(t, path)
			for _, siteID := range sites {
				for n := range m.created + 1 {
					compareMessage(t, s, m, siteID, id('m', n))
				}
				for range 50 {
					compareList(t, s, m, d, siteID)
				}
			}
			compareOutbox(t, s, m, now.AddDate(1, 0, 0), 1<<20)
		})
	}
}

// compareMessage compares what is said of one message.
func compareMessage(t *testing.T, s *Sharing, m *sharingModel, siteID, token string) {
	t.Helper()
	message, ps, err := s.Message(t.Context(), siteID, token)
	one := m.find(siteID, token)
	if one == nil {
		if !errors.Is(err, publish.ErrNotFound) {
			t.Fatalf("Message(%s): got %v; want %v", token, err, publish.ErrNotFound)
		}
		return
	}
	if diff := gocmp.Diff(one.Message, message); err != nil || diff != "" {
		t.Fatalf("Message(%s): %v (-want +got):\n%s", token, err, diff)
	}
	if diff := gocmp.Diff(one.publications, ps); diff != "" {
		t.Fatalf("publications of %s (-want +got):\n%s", token, diff)
	}
}

// compareList compares a random page.
func compareList(t *testing.T, s *Sharing, m *sharingModel, d dice, siteID string) {
	t.Helper()
	var all []publish.Head
	var tokens []string
	for _, one := range m.messages[siteID] {
		all = append(all, publish.Head{Token: one.Token, Created: one.Created, LastPublished: one.LastPublished})
		tokens = append(tokens, one.Token)
	}
	q := d.query(tokens)
	want := pageOf(all, func(h publish.Head) string { return h.Token }, q)
	got, err := s.List(t.Context(), siteID, q)
	if diff := gocmp.Diff(want, got); err != nil || diff != "" {
		t.Fatalf("List(%+v): %v (-want +got):\n%s", q, err, diff)
	}
}

// compareOutbox compares what is due, passing over the second publications of
// messages.
func compareOutbox(t *testing.T, s *Sharing, m *sharingModel, now time.Time, limit int) {
	t.Helper()
	all := m.due()
	var want []publish.Ref
	var wantNext time.Time
	for _, p := range all {
		if p.Due.After(now) {
			wantNext = p.Due
			break
		}
		if p.Number != 2 && len(want) < limit {
			want = append(want, p.Ref())
		}
	}
	due, next, err := s.Due(t.Context(), now, limit, func(ref publish.Ref) bool { return ref.Number == 2 })
	if diff := gocmp.Diff(want, due); err != nil || diff != "" || !next.Equal(wantNext) {
		t.Fatalf("Due(%v, %d): %v, next %v; want next %v (-want +got):\n%s", now, limit, err, next, wantNext, diff)
	}
	if n, err := s.Waiting(t.Context()); err != nil || n != len(all) {
		t.Fatalf("Waiting: got %d, %v; want %d", n, err, len(all))
	}
}

// With more entries than a block has, and holes, pages are found by blocks.
func TestListLeapsOverBlocks(t *testing.T) {
	s, _ := newSharing(t)
	const n = 3*blockSize + 100
	var want []string
	change := func(each func(w *sharingWriter, i int) error) {
		t.Helper()
		for from := 0; from < n; from += 200 { // larger transactions take longer
			err := s.change(t.Context(), 1, func(w *sharingWriter) (err error) {
				for i := from; i < min(n, from+200) && err == nil; i++ {
					err = each(w, i)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	change(func(w *sharingWriter, i int) error {
		for _, siteNumber := range []int{1, 2}[:1+i%2] { // two sites share the sequence
			a := acceptance{Acceptance: acceptanceOf(id('s', siteNumber), id('m', siteNumber<<20+i))}
			a.body = appendJSON(nil, a.Message.Parts)
			a.site, _ = parseID(a.Message.Site)
			a.token, _ = parseID(a.Message.Token)
			if _, err := w.accept(a); err != nil {
				return err
			}
		}
		return nil
	})
	change(func(w *sharingWriter, i int) error {
		token := id('m', 1<<20+i)
		if i%7 > 0 && (i < 600 || i > 1365) { // a block with fewer and one with none
			want = append(want, token)
			return nil
		}
		return w.deleteMessage(id('s', 1), token)
	})
	for _, descending := range []bool{false, true} {
		for skip := 0; skip < len(want)+2; skip += 1 + skip%5 {
			q := site.ListQuery{Skip: skip, Limit: 2, Descending: descending}
			page, err := s.List(t.Context(), id('s', 1), q)
			wantPage := pageOf(want, func(token string) string { return token }, q)
			var got []string
			for _, h := range page.Entries {
				got = append(got, h.Token)
			}
			if err != nil || !slices.Equal(got, wantPage.Entries) || page.Total != wantPage.Total || page.More != wantPage.More {
				t.Fatalf("%+v: got %v, total %d, more %t, %v; want %+v", q, got, page.Total, page.More, err, wantPage)
			}
		}
	}
}

func TestListBounds(t *testing.T) {
	s, _ := newSharing(t)
	accept(t, s, acceptanceOf(id('s', 1), id('m', 1)))
	accept(t, s, acceptanceOf(id('s', 2), id('m', 2)))
	for _, tt := range []struct {
		name string
		site string
		q    site.ListQuery
		want error
	}{
		{"no limit", id('s', 1), site.ListQuery{}, link.ErrQuery},
		{"limit too large", id('s', 1), site.ListQuery{Limit: site.MaxPage + 1}, link.ErrQuery},
		{"skip below zero", id('s', 1), site.ListQuery{Limit: 1, Skip: -1}, link.ErrQuery},
		{"after nothing", id('s', 1), site.ListQuery{Limit: 1, After: id('m', 3)}, publish.ErrNotFound},
		{"after another site's", id('s', 1), site.ListQuery{Limit: 1, After: id('m', 2)}, publish.ErrNotFound},
		{"after no UUID", id('s', 1), site.ListQuery{Limit: 1, After: "m"}, publish.ErrNotFound},
		{"a site that is none", "s", site.ListQuery{Limit: 1}, nil},
		{"a site without messages", id('s', 3), site.ListQuery{Limit: 1, Skip: 5, Descending: true}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			page, err := s.List(t.Context(), tt.site, tt.q)
			if !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) || len(page.Entries) != 0 || page.Total != 0 || page.More {
				t.Errorf("got %+v, %v; want nothing, %v", page, err, tt.want)
			}
		})
	}
}

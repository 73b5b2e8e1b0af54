package site_test

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"herald.example/internal/site"
)

// memory is a strict Store in memory: what it is given it checks, what it gives
// away is a copy.
type memory struct {
	t  testing.TB
	mu sync.Mutex // protects what follows

	sites       []site.Site
	users       map[string][]site.User // by site, in the order of creation
	identities  map[string][]site.Identity
	connections map[string][]site.Connection
	events      map[string][]site.Event
	places      map[string][]site.Place

	// looked is called once after the next UserByUID, with mu held.
	looked func()
	// failSite and failEdit are returned by the next PutSite and EditIdentity.
	failSite, failEdit error
}

func newMemory(t testing.TB) *memory {
	return &memory{
		t: t, users: map[string][]site.User{}, identities: map[string][]site.Identity{}, connections: map[string][]site.Connection{},
		events: map[string][]site.Event{}, places: map[string][]site.Place{},
	}
}

// copyOf is a copy that shares no bytes which are sealed.
func copyOf(i site.Identity) site.Identity {
	i.Sealed = bytes.Clone(i.Sealed)
	return i
}

func (m *memory) PutSite(ctx context.Context, s site.Site) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := m.failSite; err != nil {
		m.failSite = nil
		return err
	}
	if len(s.Keys) == 0 || s.ID == "" || s.Created.IsZero() || s.Gigya.APIKey == "" || len(s.Gigya.Secret) == 0 {
		m.t.Errorf("put site %+v: got an incomplete site", s)
	}
	at := len(m.sites)
	for i, other := range m.sites {
		if other.ID == s.ID {
			at = i
			continue
		}
		if other.Name == s.Name || other.Gigya.APIKey == s.Gigya.APIKey {
			return site.ErrTaken
		}
	}
	m.sites = append(m.sites[:at:at], append([]site.Site{s}, m.sites[min(at+1, len(m.sites)):]...)...)
	return nil
}

func (m *memory) Sites(context.Context) ([]site.Site, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.sites), nil
}

// index is where a token stands.
func index[T any](entries []T, token func(T) string, want string) int {
	return slices.IndexFunc(entries, func(e T) bool { return token(e) == want })
}

func userToken(u site.User) string             { return u.Token }
func personToken(p site.Person) string         { return p.Token }
func identityToken(i site.Identity) string     { return i.Token }
func connectionToken(c site.Connection) string { return c.Token }

// put writes an entry where it stands, or at the end.
func put[T any](entries []T, token func(T) string, e T) []T {
	if i := index(entries, token, token(e)); i >= 0 {
		entries[i] = e
		return entries
	}
	return append(entries, e)
}

func (m *memory) PutUser(_ context.Context, s string, u site.User, events ...site.Event) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.taken(s, u) {
		return site.ErrTaken
	}
	m.users[s] = put(m.users[s], userToken, u)
	m.count(s, events...)
	return nil
}

// count notes events. The caller holds mu.
func (m *memory) count(s string, events ...site.Event) {
	for _, e := range events {
		if e.Measure == 0 || e.Measure >= site.NumMeasures || e.At.IsZero() || e.Times == 0 {
			m.t.Errorf("count %+v: got an incomplete event", e)
		}
	}
	m.events[s] = append(m.events[s], events...)
}

// taken says whether another user has the UID of u. The caller holds mu.
func (m *memory) taken(s string, u site.User) bool {
	i := index(m.users[s], func(u site.User) string { return u.UID }, u.UID)
	return u.UID != "" && i >= 0 && m.users[s][i].Token != u.Token
}

func (m *memory) EditUser(_ context.Context, s, token string, edit func(*site.User) error, events ...site.Event) (site.User, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := index(m.users[s], userToken, token)
	if i < 0 {
		return site.User{}, site.ErrNotFound
	}
	u := m.users[s][i]
	if err := edit(&u); err != nil {
		return site.User{}, err
	}
	if m.taken(s, u) {
		return site.User{}, site.ErrTaken
	}
	m.users[s][i] = u
	m.count(s, events...)
	return u, nil
}

func (m *memory) UserByUID(_ context.Context, s, uid string) (site.Person, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if hook := m.looked; hook != nil {
		m.looked = nil
		defer hook()
	}
	i := index(m.users[s], func(u site.User) string { return u.UID }, uid)
	if uid == "" || i < 0 {
		return site.Person{}, site.ErrNotFound
	}
	return m.person(s, m.users[s][i]), nil
}

// person is a user with identities. The caller holds mu.
func (m *memory) person(s string, u site.User) site.Person {
	p := site.Person{User: u}
	for _, i := range m.identities[s] {
		if i.User == u.Token {
			p.Identities = append(p.Identities, copyOf(i))
		}
	}
	return p
}

func (m *memory) User(_ context.Context, s, token string) (site.Person, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := index(m.users[s], userToken, token)
	if i < 0 {
		return site.Person{}, site.ErrNotFound
	}
	return m.person(s, m.users[s][i]), nil
}

// page cuts a page out of entries.
func page[T any](entries []T, token func(T) string, q site.ListQuery) (site.Page[T], error) {
	if q.Descending {
		entries = slices.Clone(entries)
		slices.Reverse(entries)
	}
	p := site.Page[T]{Total: len(entries)}
	if q.After != "" {
		i := index(entries, token, q.After)
		if i < 0 {
			return p, site.ErrNotFound
		}
		entries = entries[i+1:]
	}
	entries = entries[min(q.Skip, len(entries)):]
	p.More = len(entries) > q.Limit
	p.Entries = slices.Clone(entries[:min(q.Limit, len(entries))])
	return p, nil
}

func (m *memory) ListUsers(_ context.Context, s string, q site.ListQuery, f site.UserFilter) (site.Page[site.Person], error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var people []site.Person
	for _, u := range m.users[s] {
		if f.Selects(u) {
			people = append(people, m.person(s, u))
		}
	}
	return page(people, personToken, q)
}

func (m *memory) DeleteUser(_ context.Context, s, token string) (site.Person, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := index(m.users[s], userToken, token)
	if i < 0 {
		return site.Person{}, site.ErrNotFound
	}
	p := m.person(s, m.users[s][i])
	m.users[s] = slices.Delete(m.users[s], i, i+1)
	m.identities[s] = slices.DeleteFunc(m.identities[s], func(i site.Identity) bool { return i.User == token })
	return p, nil
}

func (m *memory) Arrive(_ context.Context, s, user, provider, account string,
	arrive func(*site.User, *site.Identity) (site.User, site.Identity, site.Connection, error),
) (site.User, site.Identity, site.Connection, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var known *site.User
	var owned *site.Identity
	for _, i := range m.identities[s] {
		if i.Provider == provider && i.Account.ID == account {
			i = copyOf(i)
			owned, user = &i, i.User
		}
	}
	if user != "" {
		i := index(m.users[s], userToken, user)
		if i < 0 {
			return site.User{}, site.Identity{}, site.Connection{}, site.ErrNotFound
		}
		u := m.users[s][i]
		known = &u
	}
	if _, _, _, err := arrive(known, owned); err != nil { // it may be called again
		return site.User{}, site.Identity{}, site.Connection{}, err
	}
	u, i, c, err := arrive(known, owned)
	if err != nil {
		return u, i, c, err
	}
	if i.User != u.Token || c.User != u.Token || c.Identity != i.Token || i.Provider != provider || i.Account.ID != account || len(i.Sealed) == 0 {
		m.t.Errorf("arrive: got %+v, %+v, %+v, which do not belong together", u, i, c)
	}
	if m.taken(s, u) {
		return site.User{}, site.Identity{}, site.Connection{}, site.ErrTaken
	}
	m.users[s] = put(m.users[s], userToken, u)
	measures := []site.Measure{site.Logins}
	if known == nil {
		measures = append(measures, site.NewUsers)
	}
	if owned == nil {
		measures = append(measures, site.NewConnections)
	}
	for _, measure := range measures {
		m.count(s, site.Event{Measure: measure, At: c.Created, CID: c.CID, Provider: provider, Times: 1})
	}
	c.CID = "" // it is not kept
	m.identities[s] = put(m.identities[s], identityToken, copyOf(i))
	m.connections[s] = append(m.connections[s], c)
	return u, i, c, nil
}

func (m *memory) Identity(_ context.Context, s, token string) (site.Identity, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := index(m.identities[s], identityToken, token)
	if i < 0 {
		return site.Identity{}, site.ErrNotFound
	}
	return copyOf(m.identities[s][i]), nil
}

func (m *memory) ListIdentities(_ context.Context, s string, q site.ListQuery) (site.Page[site.Identity], error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return page(m.identities[s], identityToken, q)
}

func (m *memory) EditIdentity(ctx context.Context, s, token string, edit func(*site.Identity) error) (site.Identity, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return site.Identity{}, err
	}
	if err := m.failEdit; err != nil {
		m.failEdit = nil
		return site.Identity{}, err
	}
	at := index(m.identities[s], identityToken, token)
	if at < 0 {
		return site.Identity{}, site.ErrNotFound
	}
	i := copyOf(m.identities[s][at])
	if err := edit(&i); err != nil {
		return site.Identity{}, err
	}
	if i.User != m.identities[s][at].User {
		m.t.Errorf("edit identity %s: got user %s; want the one it has", token, i.User)
	}
	m.identities[s][at] = copyOf(i)
	return i, nil
}

func (m *memory) MoveIdentity(_ context.Context, s, token, user string, when time.Time) (site.Identity, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := index(m.identities[s], identityToken, token)
	if at < 0 || index(m.users[s], userToken, user) < 0 {
		return site.Identity{}, site.ErrNotFound
	}
	i := &m.identities[s][at]
	if i.User != user {
		m.count(s, site.Event{Measure: site.NewConnections, At: when, Provider: i.Provider, Times: 1})
	}
	i.User = user
	return copyOf(*i), nil
}

func (m *memory) DeleteIdentity(_ context.Context, s, token string) (site.Identity, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := index(m.identities[s], identityToken, token)
	if at < 0 {
		return site.Identity{}, site.ErrNotFound
	}
	i := m.identities[s][at]
	m.identities[s] = slices.Delete(m.identities[s], at, at+1)
	return i, nil
}

func (m *memory) DeleteIdentities(_ context.Context, s, user string, choose func([]site.Identity) ([]site.Identity, error)) ([]site.Identity, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := index(m.users[s], userToken, user)
	if at < 0 {
		return nil, site.ErrNotFound
	}
	chosen, err := choose(m.person(s, m.users[s][at]).Identities)
	if err != nil {
		return nil, err
	}
	m.identities[s] = slices.DeleteFunc(m.identities[s], func(i site.Identity) bool { return index(chosen, identityToken, i.Token) >= 0 })
	return chosen, nil
}

func (m *memory) Connection(_ context.Context, s, token string) (site.Connection, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := index(m.connections[s], connectionToken, token)
	if at < 0 {
		return site.Connection{}, site.ErrNotFound
	}
	return m.connections[s][at], nil
}

func (m *memory) ListConnections(_ context.Context, s string, q site.ListQuery) (site.Page[site.Connection], error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return page(m.connections[s], connectionToken, q)
}

// Tallies sums the events of a site, as the store of the product does.
func (m *memory) Tallies(_ context.Context, s string, q site.ReportQuery) ([]site.Tally, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var tallies []site.Tally
	for _, e := range m.events[s] {
		day := e.At.UTC().Truncate(24 * time.Hour)
		if day.Before(q.From) || day.After(q.To) {
			continue
		}
		same := func(t site.Tally) bool {
			return t.Day.Equal(day) && t.CID == e.CID && t.Provider == e.Provider && t.Measure == e.Measure
		}
		if i := slices.IndexFunc(tallies, same); i >= 0 {
			tallies[i].Count += e.Times
			continue
		}
		tallies = append(tallies, site.Tally{Day: day, CID: e.CID, Provider: e.Provider, Measure: e.Measure, Count: e.Times})
	}
	slices.SortFunc(tallies, func(a, b site.Tally) int {
		return cmp.Or(a.Day.Compare(b.Day), cmp.Compare(a.CID, b.CID), cmp.Compare(a.Provider, b.Provider), cmp.Compare(a.Measure, b.Measure))
	})
	return tallies, nil
}

func (m *memory) Places(_ context.Context, s string) ([]site.Place, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.places[s]), nil
}

func (m *memory) PutPlaces(_ context.Context, s string, places []site.Place) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.places[s] = slices.Clone(places)
	return nil
}

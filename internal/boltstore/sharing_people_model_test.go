package boltstore

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"herald.example/internal/site"
)

// peopleModel is what a store must answer of one site's people.
type peopleModel struct {
	users       []site.User // in the order of creation, as all
	identities  []site.Identity
	connections []site.Connection
}

func userToken(u site.User) string             { return u.Token }
func personToken(p site.Person) string         { return p.Token }
func identityToken(i site.Identity) string     { return i.Token }
func connectionToken(c site.Connection) string { return c.Token }

// indexOf finds a token; -1: nowhere.
func indexOf[T any](all []T, token func(T) string, want string) int {
	return slices.IndexFunc(all, func(e T) bool { return token(e) == want })
}

// write writes an entry at its place, or at the end.
func write[T any](all []T, token func(T) string, e T) []T {
	if i := indexOf(all, token, token(e)); i >= 0 {
		all[i] = e
		return all
	}
	return append(all, e)
}

// tokens are the tokens of entries.
func tokens[T any](all []T, token func(T) string) (out []string) {
	for _, e := range all {
		out = append(out, token(e))
	}
	return out
}

// person is a user with identities.
func (m *peopleModel) person(u site.User) site.Person {
	p := site.Person{User: u}
	for _, i := range m.identities {
		if i.User == u.Token {
			p.Identities = append(p.Identities, i)
		}
	}
	return p
}

// taken says whether another user has the UID of u.
func (m *peopleModel) taken(u site.User) bool {
	at := indexOf(m.users, userUID, u.UID)
	return u.UID != "" && at >= 0 && m.users[at].Token != u.Token
}

func userUID(u site.User) string     { return u.UID }
func personUID(p site.Person) string { return p.UID }

func TestRandomPeopleAgainstAModel(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			d := dice{rand.New(rand.NewPCG(seed, 4))}
			s, path := newSharing(t)
			models := map[string]*peopleModel{id('s', 1): {}, id('s', 2): {}}
			made := 0
			fresh := func(kind byte) string { made++; return id(kind, made) }
			now := day
			for i := range 300 {
				now = now.Add(time.Duration(d.IntN(5000)-1000) * time.Millisecond)
				siteID := id('s', 1+d.IntN(2))
				m := models[siteID]
				some := func(kind byte) string { // mostly one that is there
					there := tokens(m.users, userToken)
					if kind == 'i' {
						there = tokens(m.identities, identityToken)
					}
					if len(there) > 0 && d.IntN(3) > 0 {
						return d.pick(there...)
					}
					return id(kind, 1+d.IntN(made+1))
				}
				fail := func(what string, got, want error) {
					t.Helper()
					if !errors.Is(got, want) || (got == nil) != (want == nil) {
						t.Fatalf("operation %d, %s: got %v; want %v", i, what, got, want)
					}
				}
				same := func(what string, want, got any) {
					t.Helper()
					if diff := cmp.Diff(want, got); diff != "" {
						t.Fatalf("operation %d, %s (-want +got):\n%s", i, what, diff)
					}
				}
				switch op := d.IntN(100); {
				case op < 15:
					u := site.User{Token: fresh('u'), Created: now, LastLogin: now, Logins: d.IntN(9), UID: d.pick("", "a", "b", "c", "ü/ 1")}
					if known := m.users; len(known) > 0 && d.IntN(2) == 0 {
						u.Token = known[d.IntN(len(known))].Token
					}
					if m.taken(u) {
						fail("put user", s.PutUser(t.Context(), siteID, u), site.ErrTaken)
						break
					}
					fail("put user", s.PutUser(t.Context(), siteID, u), nil)
					m.users = write(m.users, userToken, u)
				case op < 20:
					token, uid := some('u'), d.pick("", "a", "b", "c", "ü/ 1")
					var want site.User
					wantErr := site.ErrNotFound
					at := indexOf(m.users, userToken, token)
					if at >= 0 {
						want, wantErr = m.users[at], nil
					}
					got, err := s.EditUser(t.Context(), siteID, token, func(u *site.User) error {
						same("user", want, *u)
						want.UID, want.Logins = uid, want.Logins+1
						u.Token, u.UID, u.Logins = "", uid, u.Logins+1 // the token stays
						if m.taken(want) {
							wantErr = site.ErrTaken
						}
						return nil
					})
					fail("edit user", err, wantErr)
					if err == nil {
						same("edited user", want, got)
						m.users[at] = want
					}
				case op < 50:
					provider, account := d.pick("mastodon", "bluesky"), d.pick("1", "2", "3", "4", "5", "6")
					user := d.pick("", "", some('u'))
					var wantUser *site.User
					var wantIdentity *site.Identity
					owner := user
					for _, i := range m.identities {
						if i.Provider == provider && i.Account.ID == account {
							wantIdentity, owner = &i, i.User
						}
					}
					if at := indexOf(m.users, userToken, owner); at >= 0 {
						wantUser = &m.users[at]
					} else if owner != "" {
						_, _, _, err := s.Arrive(t.Context(), siteID, user, provider, account, nil)
						fail("arrive", err, site.ErrNotFound)
						break
					}
					refused := errors.New("refused")
					refuse := d.IntN(6) == 0
					var u site.User
					var identity site.Identity
					var c site.Connection
					gotUser, gotIdentity, gotConnection, err := s.Arrive(t.Context(), siteID, user, provider, account,
						func(known *site.User, have *site.Identity) (site.User, site.Identity, site.Connection, error) {
							same("user before", wantUser, known)
							same("identity before", wantIdentity, have)
							u, identity = site.User{Token: fresh('u'), Created: now, UID: d.pick("", "a", "b")}, site.Identity{Token: fresh('i'), Provider: provider, Created: now}
							if known != nil {
								u = *known
							}
							if have != nil {
								identity = *have
							}
							u.Logins++
							u.LastLogin = now
							identity.User, identity.Updated = u.Token, now
							identity.Account = site.Account{ID: account, Name: d.pick("", "alice"), Server: "https://social.example", URL: "u"}
							identity.Profile = site.Profile{DisplayName: d.pick("", "Alice <&> Ü"), Languages: []string{"de", "en"}}
							identity.Broken, identity.Sealed = d.pick("", "expired"), []byte{0, 1, 255, byte(i)}
							c = site.Connection{Token: fresh('c'), User: u.Token, Identity: identity.Token, Created: now, Source: "import"}
							if refuse {
								return u, identity, c, refused
							}
							return u, identity, c, nil
						})
					if refuse {
						fail("arrive", err, refused)
						break
					}
					if m.taken(u) {
						fail("arrive", err, site.ErrTaken)
						break
					}
					fail("arrive", err, nil)
					same("user", u, gotUser)
					same("identity", identity, gotIdentity)
					same("connection", c, gotConnection)
					m.users = write(m.users, userToken, u)
					m.identities = write(m.identities, identityToken, identity)
					m.connections = append(m.connections, c)
				case op < 65:
					token, account := some('i'), d.pick("", "", "7", "1", "2")
					at := indexOf(m.identities, identityToken, token)
					var want site.Identity
					wantErr := site.ErrNotFound
					if at >= 0 {
						want, wantErr = m.identities[at], nil
					}
					got, err := s.EditIdentity(t.Context(), siteID, token, func(identity *site.Identity) error {
						same("identity", want, *identity)
						identity.Token, identity.Provider, identity.User = "", "", some('u') // these stay
						want.Broken, want.Updated = d.pick("", "revoked"), now
						want.Profile.Languages = nil
						identity.Broken, identity.Updated, identity.Profile.Languages = want.Broken, now, nil
						if account != "" {
							identity.Account.ID, want.Account.ID = account, account
						}
						return nil
					})
					if at >= 0 {
						taken := slices.IndexFunc(m.identities, func(i site.Identity) bool {
							return i.Token != token && i.Provider == want.Provider && i.Account.ID == want.Account.ID
						})
						if taken >= 0 {
							wantErr = site.ErrAccount
						}
					}
					fail("edit identity", err, wantErr)
					if wantErr == nil {
						same("edited", want, got)
						m.identities[at] = want
					}
				case op < 67:
					token, user := some('i'), some('u')
					got, err := s.MoveIdentity(t.Context(), siteID, token, user, now)
					at := indexOf(m.identities, identityToken, token)
					if at < 0 || indexOf(m.users, userToken, user) < 0 {
						fail("move identity", err, site.ErrNotFound)
						break
					}
					fail("move identity", err, nil)
					m.identities[at].User = user
					same("moved", m.identities[at], got)
				case op < 69:
					user, provider, refuse := some('u'), d.pick("mastodon", "bluesky"), d.IntN(8) == 0
					refused := errors.New("refused")
					var want []site.Identity
					got, err := s.DeleteIdentities(t.Context(), siteID, user, func(all []site.Identity) ([]site.Identity, error) {
						same("identities of the user", m.person(site.User{Token: user}).Identities, all)
						for _, identity := range all {
							if identity.Provider == provider {
								want = append(want, identity)
							}
						}
						if refuse {
							return want, refused
						}
						return want, nil
					})
					switch {
					case indexOf(m.users, userToken, user) < 0:
						fail("delete identities", err, site.ErrNotFound)
					case refuse:
						fail("delete identities", err, refused)
					default:
						fail("delete identities", err, nil)
						same("deleted identities", want, got)
						m.identities = slices.DeleteFunc(m.identities, func(i site.Identity) bool { return i.User == user && i.Provider == provider })
					}
				case op < 72:
					token := some('i')
					got, err := s.DeleteIdentity(t.Context(), siteID, token)
					if at := indexOf(m.identities, identityToken, token); at < 0 {
						fail("delete identity", err, site.ErrNotFound)
					} else {
						fail("delete identity", err, nil)
						same("deleted identity", m.identities[at], got)
						m.identities = slices.Delete(m.identities, at, at+1)
					}
				case op < 76:
					token := some('u')
					got, err := s.DeleteUser(t.Context(), siteID, token)
					if at := indexOf(m.users, userToken, token); at < 0 {
						fail("delete user", err, site.ErrNotFound)
					} else {
						fail("delete user", err, nil)
						same("deleted user", m.person(m.users[at]), got)
						m.users = slices.Delete(m.users, at, at+1)
						m.identities = slices.DeleteFunc(m.identities, func(i site.Identity) bool { return i.User == token })
					}
				case op < 78:
					fail("close", s.Close(), nil)
					s = reopenSharing(t, path)
				default:
					comparePeople(t, s, m, d, siteID)
				}
			}
			s.Close()
			s = reopenSharing(t, path)
			for siteID, m := range models {
				for n := range made + 1 {
					compareOnePerson(t, s, m, siteID, n)
				}
				for range 20 {
					comparePeople(t, s, m, d, siteID)
				}
			}
		})
	}
}

// compareOnePerson compares what is said of the tokens with one number.
func compareOnePerson(t *testing.T, s *Sharing, m *peopleModel, siteID string, n int) {
	t.Helper()
	var people []site.Person
	for _, u := range m.users {
		people = append(people, m.person(u))
	}
	compareEntry(t, "user", people, personToken, id('u', n), func(token string) (site.Person, error) { return s.User(t.Context(), siteID, token) })
	for _, uid := range []string{"a", "b", "c", "ü/ 1", "d"} {
		compareEntry(t, "UID", people, personUID, uid, func(uid string) (site.Person, error) { return s.UserByUID(t.Context(), siteID, uid) })
	}
	compareEntry(t, "identity", m.identities, identityToken, id('i', n), func(token string) (site.Identity, error) {
		return s.Identity(t.Context(), siteID, token)
	})
	compareEntry(t, "connection", m.connections, connectionToken, id('c', n), func(token string) (site.Connection, error) {
		return s.Connection(t.Context(), siteID, token)
	})
}

// compareEntry compares one entry.
func compareEntry[T any](t *testing.T, what string, all []T, token func(T) string, want string, read func(string) (T, error)) {
	t.Helper()
	got, err := read(want)
	at := indexOf(all, token, want)
	if at < 0 {
		if !errors.Is(err, site.ErrNotFound) {
			t.Fatalf("%s %s: got %v; want %v", what, want, err, site.ErrNotFound)
		}
		return
	}
	if diff := cmp.Diff(all[at], got); err != nil || diff != "" {
		t.Fatalf("%s %s: %v (-want +got):\n%s", what, want, err, diff)
	}
}

// comparePeople compares random pages of all lists.
func comparePeople(t *testing.T, s *Sharing, m *peopleModel, d dice, siteID string) {
	t.Helper()
	var f site.UserFilter
	if d.IntN(2) == 0 && len(m.users) > 0 {
		f.CreatedAfter = m.users[d.IntN(len(m.users))].Created
	}
	if d.IntN(3) == 0 && len(m.users) > 0 {
		f.LastLoginBefore = m.users[d.IntN(len(m.users))].LastLogin
	}
	var people []site.Person
	for _, u := range m.users {
		if f.Selects(u) {
			people = append(people, m.person(u))
		}
	}
	comparePage(t, "users", d, people, personToken, func(q site.ListQuery) (site.Page[site.Person], error) {
		return s.ListUsers(t.Context(), siteID, q, f)
	})
	comparePage(t, "identities", d, m.identities, identityToken, func(q site.ListQuery) (site.Page[site.Identity], error) {
		return s.ListIdentities(t.Context(), siteID, q)
	})
	comparePage(t, "connections", d, m.connections, connectionToken, func(q site.ListQuery) (site.Page[site.Connection], error) {
		return s.ListConnections(t.Context(), siteID, q)
	})
}

// comparePage compares one random page.
func comparePage[T any](t *testing.T, what string, d dice, all []T, token func(T) string, list func(site.ListQuery) (site.Page[T], error)) {
	t.Helper()
	q := d.query(tokens(all, token))
	got, err := list(q)
	if diff := cmp.Diff(pageOf(all, token, q), got); err != nil || diff != "" {
		t.Fatalf("%s %+v: %v (-want +got):\n%s", what, q, err, diff)
	}
}

package boltstore

import (
	"bytes"
	"context"
	"fmt"

	"github.com/google/uuid"
	"go.etcd.io/bbolt"

	"herald.example/internal/site"
)

// PutUser implements site.Users. A token that another site has is not found.
func (s *Sharing) PutUser(ctx context.Context, siteID string, u site.User, events ...site.Event) error {
	err := checkEvents(events)
	if err == nil {
		err = s.change(ctx, 5+2*len(events), func(w *sharingWriter) error {
			e, err := users.entry(w.tx, siteID, u.Token)
			if err != nil {
				return err
			}
			before, err := w.user(e)
			if err != nil {
				return err
			}
			if err := w.checkUID(e, u.UID); err != nil {
				return err
			}
			w.putUser(e, before, u)
			w.tally(e.owner, events...)
			return nil
		})
	}
	if err != nil {
		return fmt.Errorf("put user %q: %w", u.Token, err)
	}
	return nil
}

// EditUser implements site.Users. An edit that changes nothing, without events, costs
// no commit.
func (s *Sharing) EditUser(ctx context.Context, siteID, token string, edit func(*site.User) error, events ...site.Event) (u site.User, err error) {
	if err = checkEvents(events); err == nil {
		err = s.change(ctx, 5+2*len(events), func(w *sharingWriter) (err error) {
			u, err = w.editUser(siteID, token, edit, events)
			return err
		})
	}
	if err != nil {
		return site.User{}, fmt.Errorf("edit user %q: %w", token, err)
	}
	return u, nil
}

// editUser is EditUser in its transaction.
func (w *sharingWriter) editUser(siteID, token string, edit func(*site.User) error, events []site.Event) (u site.User, err error) {
	at, value, err := users.find(w.tx, siteID, token)
	if err != nil {
		return u, err
	}
	id, before, err := readUser(value)
	if err != nil {
		return u, err
	}
	after := before
	if err := edit(&after); err != nil {
		return u, err
	}
	after.Token = before.Token
	if _, u, err = readUser(appendUser(nil, id, after)); err != nil {
		return u, err
	}
	e := entry{owner: uuid.UUID(at.site()), token: id, at: at}
	if u != before {
		if err := w.checkUID(e, u.UID); err != nil {
			return u, err
		}
		w.putUser(e, before, u)
	}
	w.tally(e.owner, events...)
	return u, nil
}

// entry is where something is or will be on a shelf.
type entry struct {
	owner, token uuid.UUID
	at           place
	fresh        bool // it has no place yet
}

// entry finds where a site's token is, or will be when nobody has it.
func (sh shelf) entry(tx *bbolt.Tx, owner, token string) (e entry, err error) {
	var known, ok bool
	e.owner, known = parseID(owner)
	e.token, ok = parseID(token)
	if !known || !ok {
		return e, errToken
	}
	if e.fresh = sh.free(tx, e.token); !e.fresh {
		e.at, _, err = sh.lookup(tx, e.owner, e.token)
	}
	return e, err
}

// settle gives an entry its place.
func (w *sharingWriter) settle(sh shelf, e *entry) {
	if e.fresh {
		e.at, e.fresh = w.enter(sh, e.owner, e.token), false
	}
}

// user reads the user at an entry; a fresh one has no fields.
func (w *sharingWriter) user(e entry) (u site.User, err error) {
	if e.fresh {
		return u, nil
	}
	_, u, err = readUser(w.tx.Bucket(usersBucket).Get(e.at[:]))
	return u, err
}

// uidKey is the key in uids.
func uidKey(owner uuid.UUID, uid string) []byte { return append(owner[:], uid...) }

// maxUID bounds UIDs, which are part of a key: bbolt refuses one of 32 KiB.
const maxUID = 1 << 10

// checkUID refuses a UID that another user than the one at an entry has.
func (w *sharingWriter) checkUID(e entry, uid string) error {
	switch sequence := w.tx.Bucket(uidsBucket).Get(uidKey(e.owner, uid)); {
	case uid == "" || len(uid) <= maxUID && (sequence == nil || !e.fresh && bytes.Equal(sequence, e.at[16:])):
		return nil
	case len(uid) > maxUID:
		return fmt.Errorf("%w: it has %d bytes", site.ErrUID, len(uid))
	}
	return fmt.Errorf("%w: another user has the UID", site.ErrTaken)
}

// putUser writes a user, and moves what leads to them from where it was before.
func (w *sharingWriter) putUser(e entry, before, after site.User) {
	w.settle(users, &e)
	w.put(usersBucket, e.at[:], appendUser(nil, e.token, after))
	if before.UID == after.UID {
		return
	}
	if before.UID != "" {
		w.remove(uidsBucket, uidKey(e.owner, before.UID))
	}
	if after.UID != "" {
		w.put(uidsBucket, uidKey(e.owner, after.UID), bytes.Clone(e.at[16:]))
	}
}

// readUser reads a value of users.
func readUser(value []byte) (token uuid.UUID, u site.User, err error) {
	token, u, ok := parseUser(value)
	if !ok {
		return token, u, fmt.Errorf("%w: user", ErrDamaged)
	}
	u.Token = token.String()
	return token, u, nil
}

// User implements site.Users.
func (s *Sharing) User(ctx context.Context, siteID, token string) (p site.Person, err error) {
	err = s.view(ctx, func(tx *bbolt.Tx) error {
		at, value, err := users.find(tx, siteID, token)
		if err != nil {
			return err
		}
		p, err = readPerson(tx, uuid.UUID(at.site()), value)
		return err
	})
	if err != nil {
		return site.Person{}, fmt.Errorf("read user %q: %w", token, err)
	}
	return p, nil
}

// UserByUID implements site.Users.
func (s *Sharing) UserByUID(ctx context.Context, siteID, uid string) (p site.Person, err error) {
	err = s.view(ctx, func(tx *bbolt.Tx) error {
		owner, known := parseID(siteID)
		sequence := tx.Bucket(uidsBucket).Get(uidKey(owner, uid))
		if !known || uid == "" || sequence == nil {
			return site.ErrNotFound
		}
		p, err = readPerson(tx, owner, tx.Bucket(usersBucket).Get(append(owner[:], sequence...)))
		return err
	})
	if err != nil {
		return site.Person{}, fmt.Errorf("read user of UID %.300q: %w", uid, err)
	}
	return p, nil
}

// ownedPrefix is what the keys in owned of one user begin with.
func ownedPrefix(owner, user uuid.UUID) []byte { return append(owner[:], user[:]...) }

// readPerson reads the user whose record is value, with their identities.
func readPerson(tx *bbolt.Tx, owner uuid.UUID, value []byte) (p site.Person, err error) {
	token, u, err := readUser(value)
	if err != nil {
		return p, err
	}
	p.User = u
	prefix := ownedPrefix(owner, token)
	b := tx.Bucket(identitiesBucket)
	for key := range walk(tx.Bucket(ownedBucket), prefix, 0, false) {
		i, err := readIdentity(b.Get(append(owner[:], key[len(prefix):]...)))
		if err != nil {
			return site.Person{}, err
		}
		p.Identities = append(p.Identities, i)
	}
	return p, nil
}

// ListUsers implements site.Users. Its costs are those of List; with a filter all
// users of the site are read, about 0.1 µs each. An unknown After is
// site.ErrNotFound, an impossible limit link.ErrQuery.
func (s *Sharing) ListUsers(ctx context.Context, siteID string, q site.ListQuery, f site.UserFilter) (page site.Page[site.Person], err error) {
	err = s.view(ctx, func(tx *bbolt.Tx) error {
		owner, _ := parseID(siteID)
		person := func(value []byte) (site.Person, error) { return readPerson(tx, owner, value) }
		if f.IsZero() {
			page, err = browse(tx, users, siteID, q, person)
			return err
		}
		page, err = filterUsers(tx, siteID, q, f, person)
		return err
	})
	if err != nil {
		return site.Page[site.Person]{}, fmt.Errorf("list users: %w", err)
	}
	return page, nil
}

// filterUsers reads one page of the users that a filter selects.
func filterUsers(tx *bbolt.Tx, siteID string, q site.ListQuery, f site.UserFilter,
	person func([]byte) (site.Person, error)) (page site.Page[site.Person], err error) {
	owner, after, known, err := users.start(tx, siteID, q)
	if err != nil || !known {
		return page, err
	}
	skip := q.Skip
	for key, value := range walk(tx.Bucket(usersBucket), owner[:], 0, q.Descending) {
		_, u, ok := parseUser(value)
		if !ok {
			return page, fmt.Errorf("%w: user", ErrDamaged)
		}
		if !f.Selects(u) {
			continue
		}
		page.Total++
		sequence := place(key).sequence()
		switch {
		case after != 0 && (sequence == after || (sequence < after) != q.Descending):
		case skip > 0:
			skip--
		case len(page.Entries) == q.Limit:
			page.More = true
		default:
			p, err := person(value)
			if err != nil {
				return page, err
			}
			page.Entries = append(page.Entries, p)
		}
	}
	return page, nil
}

// DeleteUser implements site.Users. Messages, publications and connections stay.
func (s *Sharing) DeleteUser(ctx context.Context, siteID, token string) (p site.Person, err error) {
	err = s.change(ctx, 3, func(w *sharingWriter) error {
		at, value, err := users.find(w.tx, siteID, token)
		if err != nil {
			return err
		}
		owner := uuid.UUID(at.site())
		if p, err = readPerson(w.tx, owner, value); err != nil {
			return err
		}
		if err := w.removeIdentities(siteID, p.Identities); err != nil {
			return err
		}
		if p.UID != "" {
			w.remove(uidsBucket, uidKey(owner, p.UID))
		}
		id, _ := parseID(token)
		w.leave(users, at, id)
		return nil
	})
	if err != nil {
		return site.Person{}, fmt.Errorf("delete user %q: %w", token, err)
	}
	return p, nil
}

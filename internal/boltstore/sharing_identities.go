package boltstore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/google/uuid"
	"go.etcd.io/bbolt"

	"herald.example/internal/site"
)

// accountKey is the key in accounts.
func accountKey(owner uuid.UUID, provider, account string) []byte {
	hash := sha256.Sum256(append(appendText(nil, provider), account...))
	return append(owner[:], hash[:]...)
}

// ownedKey is the key in owned.
func ownedKey(at place, user uuid.UUID) []byte {
	return append(ownedPrefix(uuid.UUID(at.site()), user), at[16:]...)
}

// readIdentity reads a value of identities.
func readIdentity(value []byte) (site.Identity, error) {
	r, ok := parseJSON[identityRecord](value)
	if !ok {
		return site.Identity{}, fmt.Errorf("%w: identity", ErrDamaged)
	}
	return r.identity(), nil
}

// Identity implements site.Identities.
func (s *Sharing) Identity(ctx context.Context, siteID, token string) (i site.Identity, err error) {
	err = s.view(ctx, func(tx *bbolt.Tx) error {
		_, value, err := identities.find(tx, siteID, token)
		if err != nil {
			return err
		}
		i, err = readIdentity(value)
		return err
	})
	if err != nil {
		return site.Identity{}, fmt.Errorf("read identity %q: %w", token, err)
	}
	return i, nil
}

// ListIdentities implements site.Identities. Its costs and errors are those of
// ListUsers.
func (s *Sharing) ListIdentities(ctx context.Context, siteID string, q site.ListQuery) (page site.Page[site.Identity], err error) {
	err = s.view(ctx, func(tx *bbolt.Tx) error {
		page, err = browse(tx, identities, siteID, q, readIdentity)
		return err
	})
	if err != nil {
		return site.Page[site.Identity]{}, fmt.Errorf("list identities: %w", err)
	}
	return page, nil
}

// Arrive implements site.Identities. The identity that arrive returns belongs to
// the user that it returns, and has the provider and the account asked for.
func (s *Sharing) Arrive(ctx context.Context, siteID, user, provider, account string,
	arrive func(*site.User, *site.Identity) (site.User, site.Identity, site.Connection, error)) (u site.User, i site.Identity, c site.Connection, err error) {
	err = s.change(ctx, 15, func(w *sharingWriter) (err error) {
		u, i, c, err = w.arrive(siteID, user, provider, account, arrive)
		return err
	})
	if err != nil {
		return site.User{}, site.Identity{}, site.Connection{}, fmt.Errorf("arrive by %s: %w", provider, err)
	}
	return u, i, c, nil
}

// arrive is Arrive in its transaction.
func (w *sharingWriter) arrive(siteID, user, provider, account string,
	arrive func(*site.User, *site.Identity) (site.User, site.Identity, site.Connection, error)) (u site.User, i site.Identity, c site.Connection, err error) {
	owner, ok := parseID(siteID)
	if !ok {
		return u, i, c, site.ErrNotFound
	}
	oldUser, oldIdentity, err := w.known(owner, user, provider, account)
	if err != nil {
		return u, i, c, err
	}
	var before site.Identity
	if oldIdentity != nil {
		before = *oldIdentity
	}
	if u, i, c, err = arrive(oldUser, oldIdentity); err != nil {
		return u, i, c, err
	}
	userEntry, err := users.entry(w.tx, siteID, u.Token)
	if err != nil {
		return u, i, c, fmt.Errorf("user %q: %w", u.Token, err)
	}
	userBefore, err := w.user(userEntry)
	if err == nil {
		err = w.checkUID(userEntry, u.UID)
	}
	if err != nil {
		return u, i, c, fmt.Errorf("user %q: %w", u.Token, err)
	}
	identityEntry, err := identities.entry(w.tx, siteID, i.Token)
	switch {
	case err != nil:
		return u, i, c, fmt.Errorf("identity %q: %w", i.Token, err)
	case i.User != u.Token || i.Provider != provider || i.Account.ID != account || i.Token != before.Token && (before.Token != "" || !identityEntry.fresh):
		return u, i, c, fmt.Errorf("identity %q: %w: it is not the one that arrives", i.Token, site.ErrAccount)
	}
	connectionEntry, err := connections.entry(w.tx, siteID, c.Token)
	if err == nil && !connectionEntry.fresh {
		err = errToken
	}
	if err != nil {
		return u, i, c, fmt.Errorf("connection %q: %w", c.Token, err)
	}

	w.putUser(userEntry, userBefore, u)
	w.putIdentity(identityEntry, before, i)
	w.countArrival(userEntry.owner, c, provider, userEntry.fresh, before.User != i.User)
	w.settle(connections, &connectionEntry)
	record := appendConnection(nil, connectionEntry.token, c)
	w.put(connectionsBucket, connectionEntry.at[:], record)

	_, u, _ = readUser(appendUser(nil, userEntry.token, u))
	c, _ = parseConnection(record)
	return u, newIdentityRecord(i).identity(), c, nil
}

// countArrival counts an arrival with a provider.
func (w *sharingWriter) countArrival(owner uuid.UUID, c site.Connection, provider string, newUser, newIdentity bool) {
	count := func(m site.Measure) {
		w.tally(owner, site.Event{Measure: m, At: c.Created, CID: c.CID, Provider: provider, Times: 1})
	}
	count(site.Logins)
	if newUser {
		count(site.NewUsers)
	}
	if newIdentity {
		count(site.NewConnections)
	}
}

// known finds the identity of an account with its user, or else the user of a
// token; what is not there is nil.
func (w *sharingWriter) known(owner uuid.UUID, user, provider, account string) (*site.User, *site.Identity, error) {
	var i *site.Identity
	if sequence := w.tx.Bucket(accountsBucket).Get(accountKey(owner, provider, account)); sequence != nil {
		found, err := readIdentity(w.tx.Bucket(identitiesBucket).Get(append(owner[:], sequence...)))
		if err != nil {
			return nil, nil, err
		}
		i, user = &found, found.User
	}
	if user == "" {
		return nil, nil, nil
	}
	_, value, err := users.find(w.tx, owner.String(), user)
	if err != nil {
		return nil, nil, fmt.Errorf("user %q: %w", user, err)
	}
	_, u, err := readUser(value)
	if err != nil {
		return nil, nil, err
	}
	return &u, i, nil
}

// putIdentity writes an identity of a user that is there, and moves what leads to
// it from where it was before. A before without token is none.
func (w *sharingWriter) putIdentity(e entry, before, after site.Identity) {
	w.settle(identities, &e)
	w.put(identitiesBucket, e.at[:], appendJSON(nil, newIdentityRecord(after)))
	if before.Token == "" || before.Account.ID != after.Account.ID {
		if before.Token != "" {
			w.remove(accountsBucket, accountKey(e.owner, before.Provider, before.Account.ID))
		}
		w.put(accountsBucket, accountKey(e.owner, after.Provider, after.Account.ID), bytes.Clone(e.at[16:]))
	}
	if before.User != after.User {
		if id, ok := parseID(before.User); ok {
			w.remove(ownedBucket, ownedKey(e.at, id))
		}
		id, _ := parseID(after.User)
		w.put(ownedBucket, ownedKey(e.at, id), nil)
	}
}

// removeIdentity removes an identity and what leads to it.
func (w *sharingWriter) removeIdentity(at place, i site.Identity) {
	owner := uuid.UUID(at.site())
	w.remove(accountsBucket, accountKey(owner, i.Provider, i.Account.ID))
	if id, ok := parseID(i.User); ok {
		w.remove(ownedBucket, ownedKey(at, id))
	}
	id, _ := parseID(i.Token)
	w.leave(identities, at, id)
}

// EditIdentity implements site.Identities. An account that another identity of
// the site has is site.ErrAccount.
func (s *Sharing) EditIdentity(ctx context.Context, siteID, token string, edit func(*site.Identity) error) (i site.Identity, err error) {
	err = s.change(ctx, 5, func(w *sharingWriter) error {
		at, value, err := identities.find(w.tx, siteID, token)
		if err != nil {
			return err
		}
		before, err := readIdentity(value)
		if err != nil {
			return err
		}
		after, err := readIdentity(value) // shares nothing with before
		if err != nil {
			return err
		}
		if err := edit(&after); err != nil {
			return err
		}
		after.Token, after.Provider, after.User = before.Token, before.Provider, before.User
		i = newIdentityRecord(after).identity()
		if bytes.Equal(appendJSON(nil, newIdentityRecord(i)), value) {
			return nil
		}
		owner := uuid.UUID(at.site())
		sequence := w.tx.Bucket(accountsBucket).Get(accountKey(owner, i.Provider, i.Account.ID))
		if sequence != nil && (len(sequence) != 8 || binary.BigEndian.Uint64(sequence) != at.sequence()) {
			return fmt.Errorf("%w: another identity has account %q", site.ErrAccount, i.Account.ID)
		}
		id, _ := parseID(token)
		w.putIdentity(entry{owner: owner, token: id, at: at}, before, i)
		return nil
	})
	if err != nil {
		return site.Identity{}, fmt.Errorf("edit identity %q: %w", token, err)
	}
	return i, nil
}

// MoveIdentity implements site.Identities. A move to whom it belongs to costs no commit.
func (s *Sharing) MoveIdentity(ctx context.Context, siteID, token, user string, at time.Time) (i site.Identity, err error) {
	err = s.change(ctx, 6, func(w *sharingWriter) (err error) {
		i, err = w.moveIdentity(siteID, token, user, at)
		return err
	})
	if err != nil {
		return site.Identity{}, fmt.Errorf("move identity %q: %w", token, err)
	}
	return i, nil
}

// moveIdentity is MoveIdentity in its transaction.
func (w *sharingWriter) moveIdentity(siteID, token, user string, at time.Time) (i site.Identity, err error) {
	where, value, err := identities.find(w.tx, siteID, token)
	if err != nil {
		return i, err
	}
	before, err := readIdentity(value)
	if err != nil {
		return i, err
	}
	if _, _, err := users.find(w.tx, siteID, user); err != nil {
		return i, fmt.Errorf("user %q: %w", user, err)
	}
	i = before
	if i.User = user; i.User == before.User {
		return i, nil
	}
	id, _ := parseID(token)
	owner := uuid.UUID(where.site())
	w.putIdentity(entry{owner: owner, token: id, at: where}, before, i)
	w.tally(owner, site.Event{Measure: site.NewConnections, At: at, Provider: i.Provider, Times: 1})
	return i, nil
}

// DeleteIdentity implements site.Identities. Its user, messages, publications and
// connections stay.
func (s *Sharing) DeleteIdentity(ctx context.Context, siteID, token string) (i site.Identity, err error) {
	err = s.change(ctx, 5, func(w *sharingWriter) error {
		at, value, err := identities.find(w.tx, siteID, token)
		if err != nil {
			return err
		}
		if i, err = readIdentity(value); err != nil {
			return err
		}
		w.removeIdentity(at, i)
		return nil
	})
	if err != nil {
		return site.Identity{}, fmt.Errorf("delete identity %q: %w", token, err)
	}
	return i, nil
}

// DeleteIdentities implements site.Identities. What is left is that of DeleteIdentity.
func (s *Sharing) DeleteIdentities(ctx context.Context, siteID, user string, choose func([]site.Identity) ([]site.Identity, error)) (chosen []site.Identity, err error) {
	err = s.change(ctx, 5, func(w *sharingWriter) error {
		at, value, err := users.find(w.tx, siteID, user)
		if err != nil {
			return err
		}
		p, err := readPerson(w.tx, uuid.UUID(at.site()), value)
		if err != nil {
			return err
		}
		if chosen, err = choose(p.Identities); err != nil {
			return err
		}
		return w.removeIdentities(siteID, chosen)
	})
	if err != nil {
		return nil, fmt.Errorf("delete identities of user %q: %w", user, err)
	}
	return chosen, nil
}

// removeIdentities removes identities of a site that were read in this transaction.
func (w *sharingWriter) removeIdentities(siteID string, all []site.Identity) (err error) {
	places := make([]place, len(all))
	for i, identity := range all {
		if places[i], _, err = identities.find(w.tx, siteID, identity.Token); err != nil {
			return fmt.Errorf("%w: identity %s: %w", ErrDamaged, identity.Token, err)
		}
	}
	for i, identity := range all {
		w.removeIdentity(places[i], identity)
	}
	return nil
}

// Connection implements site.Connections.
func (s *Sharing) Connection(ctx context.Context, siteID, token string) (c site.Connection, err error) {
	err = s.view(ctx, func(tx *bbolt.Tx) error {
		_, value, err := connections.find(tx, siteID, token)
		if err != nil {
			return err
		}
		c, err = readConnection(value)
		return err
	})
	if err != nil {
		return site.Connection{}, fmt.Errorf("read connection %q: %w", token, err)
	}
	return c, nil
}

// readConnection reads a value of connections.
func readConnection(value []byte) (site.Connection, error) {
	c, ok := parseConnection(value)
	if !ok {
		return c, fmt.Errorf("%w: connection", ErrDamaged)
	}
	return c, nil
}

// ListConnections implements site.Connections. Its costs and errors are those of
// ListUsers.
func (s *Sharing) ListConnections(ctx context.Context, siteID string, q site.ListQuery) (page site.Page[site.Connection], err error) {
	err = s.view(ctx, func(tx *bbolt.Tx) error {
		page, err = browse(tx, connections, siteID, q, readConnection)
		return err
	})
	if err != nil {
		return site.Page[site.Connection]{}, fmt.Errorf("list connections: %w", err)
	}
	return page, nil
}

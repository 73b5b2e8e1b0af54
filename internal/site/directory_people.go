package site

import (
	"context"
	"errors"
	"fmt"
)

// AddUser makes a user without identities. Until the first login a user counts as
// last seen when they were made.
func (d *Directory) AddUser(ctx context.Context, site string) (User, error) {
	if err := d.checkSite(site); err != nil {
		return User{}, err
	}
	u := d.newUser("")
	if err := d.store.PutUser(ctx, site, u); err != nil {
		return User{}, err
	}
	return u, nil
}

// newUser makes a user who is not stored yet.
func (d *Directory) newUser(uid string) User {
	now := d.moment()
	return User{Token: newToken(), UID: uid, Created: now, LastLogin: now}
}

// look refuses a site or a token that cannot be found.
func (d *Directory) look(what, site, token string) error {
	if err := checkToken(what, token); err != nil {
		return err
	}
	return d.checkSite(site)
}

// User returns a user with their identities.
func (d *Directory) User(ctx context.Context, site, token string) (Person, error) {
	if err := d.look("user", site, token); err != nil {
		return Person{}, err
	}
	return d.store.User(ctx, site, token)
}

// UserByUID returns the user whom the site calls uid, with their identities. When it
// calls nobody so, that is the user whose token is uid: users of the other dialect have
// a token, and maybe no UID.
func (d *Directory) UserByUID(ctx context.Context, site, uid string) (Person, error) {
	if CheckUID(uid) != nil {
		return Person{}, fmt.Errorf("user of UID: %w", ErrNotFound)
	}
	if err := d.checkSite(site); err != nil {
		return Person{}, err
	}
	return d.named(ctx, site, uid)
}

// named is UserByUID for a UID and a site that were checked.
func (d *Directory) named(ctx context.Context, site, uid string) (Person, error) {
	p, err := d.store.UserByUID(ctx, site, uid)
	if !errors.Is(err, ErrNotFound) || !isToken(uid) {
		return p, err
	}
	byToken, failed := d.store.User(ctx, site, uid)
	if errors.Is(failed, ErrNotFound) {
		return p, err
	}
	return byToken, failed
}

// maxRaces is how often somebody else may get in between a look for a UID and the
// transaction that stands on it. Each time it is another one who made or deleted the
// user.
const maxRaces = 8

// EnsureUser returns the user whom the site calls uid, as UserByUID does, and makes
// them when there is none. The error is ErrUID for what cannot be a UID.
func (d *Directory) EnsureUser(ctx context.Context, site, uid string) (p Person, created bool, err error) {
	if err := CheckUID(uid); err != nil {
		return Person{}, false, err
	}
	if err := d.checkSite(site); err != nil {
		return Person{}, false, err
	}
	for range maxRaces {
		p, err = d.named(ctx, site, uid)
		if !errors.Is(err, ErrNotFound) {
			return p, false, err
		}
		u := d.newUser(uid)
		if err = d.store.PutUser(ctx, site, u); err == nil {
			return Person{User: u}, true, nil
		}
		if !errors.Is(err, ErrTaken) {
			break
		}
	}
	return Person{}, false, err
}

// SetUID gives a user another UID; an empty one leaves them without. The error is
// ErrTaken when another user of the site has it, as UID or as token.
func (d *Directory) SetUID(ctx context.Context, site, token, uid string) (User, error) {
	if uid != "" {
		if err := CheckUID(uid); err != nil {
			return User{}, err
		}
	}
	if err := d.look("user", site, token); err != nil {
		return User{}, err
	}
	if isToken(uid) && uid != token {
		// A token stays whose it is, so it can be looked for before the transaction.
		if _, err := d.store.User(ctx, site, uid); err == nil {
			return User{}, fmt.Errorf("edit user %s: %w: the UID is the token of another user", token, ErrTaken)
		} else if !errors.Is(err, ErrNotFound) {
			return User{}, err
		}
	}
	return d.store.EditUser(ctx, site, token, func(u *User) error {
		u.UID = uid
		return nil
	})
}

// Users returns a page of users.
func (d *Directory) Users(ctx context.Context, site string, q ListQuery, f UserFilter) (Page[Person], error) {
	return list(d, site, q, func() (Page[Person], error) { return d.store.ListUsers(ctx, site, q, f) })
}

// list holds a query against the rules and hands it to the store.
func list[T any](d *Directory, site string, q ListQuery, read func() (Page[T], error)) (Page[T], error) {
	if err := q.Check(); err != nil {
		return Page[T]{}, err
	}
	if err := d.checkSite(site); err != nil {
		return Page[T]{}, err
	}
	return read()
}

// DeleteUser removes a user with their identities and returns what was there.
func (d *Directory) DeleteUser(ctx context.Context, site, token string) (Person, error) {
	if err := d.look("user", site, token); err != nil {
		return Person{}, err
	}
	return d.store.DeleteUser(ctx, site, token)
}

// Login lets an account arrive, in one transaction. An account that the site knows
// stays the identity that it is, with new profile and credentials, and belongs to
// the user that it belonged to; when the login names another user, by token or UID,
// it is refused with ErrOwned, and MoveIdentity is the way. A new account is an
// identity of the user named, or of a new one, who gets the UID. With Named, a user
// whom neither the login nor the site has a UID for gets one that is random.
func (d *Directory) Login(ctx context.Context, site string, login Login) (Person, Identity, Connection, error) {
	if err := d.checkLogin(site, login); err != nil {
		return Person{}, Identity{}, Connection{}, err
	}
	if login.User != "" || login.UID == "" {
		return d.arrive(ctx, site, login.User, login)
	}
	var err error
	for range maxRaces {
		var p Person
		if p, err = d.named(ctx, site, login.UID); err != nil && !errors.Is(err, ErrNotFound) {
			break
		}
		var i Identity
		var c Connection
		p, i, c, err = d.arrive(ctx, site, p.Token, login)
		if !errors.Is(err, ErrTaken) && !errors.Is(err, ErrNotFound) {
			return p, i, c, err
		}
	}
	return Person{}, Identity{}, Connection{}, err
}

// arrive lets an account arrive for the user of a token, or without one for its own
// user or a new one.
func (d *Directory) arrive(ctx context.Context, site, user string, login Login) (Person, Identity, Connection, error) {
	profile := cleanProfile(login.Profile)
	now := d.moment()
	// Made here, because the transaction may be tried more than once.
	newUser, newIdentity, connection, guid := newToken(), newToken(), newToken(), newUID()

	arrive := func(known *User, owned *Identity) (User, Identity, Connection, error) {
		u := User{Token: newUser, UID: login.UID, Created: now}
		if known != nil {
			u = *known
		}
		i := Identity{Token: newIdentity, User: u.Token, Provider: login.Provider, Created: now}
		if owned != nil {
			i = *owned
		}
		if owned != nil && (user != "" && user != i.User || login.User == "" && login.UID != "" && login.UID != u.UID && login.UID != u.Token) {
			return User{}, Identity{}, Connection{}, fmt.Errorf("%w, %s; move identity %s to this one first", ErrOwned, i.User, i.Token)
		}
		if login.Named && login.UID == "" && u.UID == "" {
			u.UID = guid
		}
		u.LastLogin = now
		u.Logins++
		i.Updated, i.Account, i.Profile, i.Broken = now, login.Account, profile, ""
		i.Sealed = d.seal(site, i.Token, login.Credentials)
		return u, i, Connection{Token: connection, User: u.Token, Identity: i.Token, Created: now, Source: login.Source, CID: login.CID}, nil
	}
	u, i, c, err := func() (User, Identity, Connection, error) {
		d.sealing.RLock()
		defer d.sealing.RUnlock()
		return d.store.Arrive(ctx, site, user, login.Provider, login.Account.ID, arrive)
	}()
	if err != nil {
		return Person{}, Identity{}, Connection{}, err
	}
	p, err := d.store.User(ctx, site, u.Token)
	return p, i, c, err
}

// checkLogin refuses a login that cannot be kept.
func (d *Directory) checkLogin(site string, login Login) error {
	if login.User != "" {
		if err := checkToken("user", login.User); err != nil {
			return err
		}
	}
	if login.UID != "" {
		if err := CheckUID(login.UID); err != nil {
			return err
		}
	}
	if err := CheckProvider(login.Provider); err != nil {
		return err
	}
	if err := checkAccount(login.Account); err != nil {
		return err
	}
	if err := checkCredentials(login.Credentials); err != nil {
		return err
	}
	return d.checkSite(site)
}

// Identity returns an identity.
func (d *Directory) Identity(ctx context.Context, site, token string) (Identity, error) {
	if err := d.look("identity", site, token); err != nil {
		return Identity{}, err
	}
	return d.store.Identity(ctx, site, token)
}

// Identities returns a page of identities.
func (d *Directory) Identities(ctx context.Context, site string, q ListQuery) (Page[Identity], error) {
	return list(d, site, q, func() (Page[Identity], error) { return d.store.ListIdentities(ctx, site, q) })
}

// edit lets edit change an identity and writes it.
func (d *Directory) edit(ctx context.Context, site, token string, edit func(*Identity) error) (Identity, error) {
	if err := d.look("identity", site, token); err != nil {
		return Identity{}, err
	}
	return d.store.EditIdentity(ctx, site, token, edit)
}

// MoveIdentity gives an identity to another user of the site and returns that user.
// Reports count it as a new connection of theirs.
func (d *Directory) MoveIdentity(ctx context.Context, site, token, user string) (Person, error) {
	if err := checkToken("user", user); err != nil {
		return Person{}, err
	}
	if err := d.look("identity", site, token); err != nil {
		return Person{}, err
	}
	if _, err := d.store.MoveIdentity(ctx, site, token, user, d.moment()); err != nil {
		return Person{}, err
	}
	return d.User(ctx, site, user)
}

// DeleteIdentity removes an identity and returns what was there.
func (d *Directory) DeleteIdentity(ctx context.Context, site, token string) (Identity, error) {
	if err := d.look("identity", site, token); err != nil {
		return Identity{}, err
	}
	return d.store.DeleteIdentity(ctx, site, token)
}

// Disconnect removes the identities that a user has with a provider, or all of them
// when it is empty, in one transaction, and returns them: none, when there are none.
// With keepLast, nothing is removed and the error is ErrLast when it would leave the
// user without any.
func (d *Directory) Disconnect(ctx context.Context, site, user, provider string, keepLast bool) ([]Identity, error) {
	if err := d.look("user", site, user); err != nil {
		return nil, err
	}
	return d.store.DeleteIdentities(ctx, site, user, func(all []Identity) ([]Identity, error) {
		var chosen []Identity
		for _, i := range all {
			if provider == "" || i.Provider == provider {
				chosen = append(chosen, i)
			}
		}
		if keepLast && len(chosen) > 0 && len(chosen) == len(all) {
			return nil, ErrLast
		}
		return chosen, nil
	})
}

// SetProfile writes what a network tells of an account now. An account without ID is
// the one that it was; another ID is ErrAccount.
func (d *Directory) SetProfile(ctx context.Context, site, token string, a Account, p Profile) (Identity, error) {
	p = cleanProfile(p)
	now := d.moment()
	return d.edit(ctx, site, token, func(i *Identity) error {
		if a.ID == "" {
			a.ID = i.Account.ID
		}
		if a.ID != i.Account.ID {
			return fmt.Errorf("%w: the credentials are those of another account than %.200q", ErrAccount, i.Account.ID)
		}
		if err := checkAccount(a); err != nil {
			return err
		}
		i.Account, i.Profile, i.Updated = a, p, now
		return nil
	})
}

// MarkBroken notes why the user of an identity must connect again. The reason is
// shown, so it holds no secrets; it is cut at 500 bytes.
func (d *Directory) MarkBroken(ctx context.Context, site, token, reason string) error {
	reason = cleanText(reason, maxReason)
	if reason == "" {
		reason = "the network refuses it"
	}
	_, err := d.edit(ctx, site, token, func(i *Identity) error {
		i.Broken = reason
		return nil
	})
	return err
}

// Connection returns a connection.
func (d *Directory) Connection(ctx context.Context, site, token string) (Connection, error) {
	if err := d.look("connection", site, token); err != nil {
		return Connection{}, err
	}
	return d.store.Connection(ctx, site, token)
}

// Connections returns a page of connections.
func (d *Directory) Connections(ctx context.Context, site string, q ListQuery) (Page[Connection], error) {
	return list(d, site, q, func() (Page[Connection], error) { return d.store.ListConnections(ctx, site, q) })
}

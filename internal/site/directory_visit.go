package site

import (
	"context"
	"errors"
)

// Visit notes a login by the site itself of the user whom it calls uid, as UserByUID
// does, and makes them when there is none. In the same transaction it is counted under
// the context ID, which may be empty. Errors are those of EnsureUser.
func (d *Directory) Visit(ctx context.Context, site, uid, cid string) (p Person, created bool, err error) {
	if err := CheckUID(uid); err != nil {
		return Person{}, false, err
	}
	if err := d.checkSite(site); err != nil {
		return Person{}, false, err
	}
	for range maxRaces {
		p, err = d.named(ctx, site, uid)
		if created = errors.Is(err, ErrNotFound); created {
			p, err = d.visitFirst(ctx, site, uid, cid)
		} else if err == nil {
			p.User, err = d.visitAgain(ctx, site, p.Token, cid)
		}
		if err == nil {
			return p, created, nil
		}
		if !errors.Is(err, ErrTaken) && !errors.Is(err, ErrNotFound) { // else somebody made or deleted the user meanwhile
			break
		}
	}
	return Person{}, false, err
}

// visitFirst makes a user with their first login.
func (d *Directory) visitFirst(ctx context.Context, site, uid, cid string) (Person, error) {
	u := d.newUser(uid)
	u.Logins = 1
	err := d.store.PutUser(ctx, site, u,
		Event{Measure: SiteLogins, At: u.LastLogin, CID: cid, Times: 1}, Event{Measure: NewSiteUsers, At: u.LastLogin, CID: cid, Times: 1})
	return Person{User: u}, err
}

// visitAgain notes a login of a user who is there.
func (d *Directory) visitAgain(ctx context.Context, site, token, cid string) (User, error) {
	now := d.moment()
	return d.store.EditUser(ctx, site, token, func(u *User) error {
		u.LastLogin = now
		u.Logins++
		return nil
	}, Event{Measure: SiteLogins, At: now, CID: cid, Times: 1})
}

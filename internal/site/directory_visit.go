package site

import (
	"context"
	"errors"
)

// Visit notes a login by the site itself of the user whom it calls uid, as UserByUID
// does, and makes them when there is none. It is counted under the context ID, which
// may be empty: when that fails, the user is returned with the error, and the login is
// noted. Other errors are those of EnsureUser.
func (d *Directory) Visit(ctx context.Context, site, uid, cid string) (p Person, created bool, err error) {
	if err := CheckUID(uid); err != nil {
		return Person{}, false, err
	}
	if err := d.checkSite(site); err != nil {
		return Person{}, false, err
	}
	if p, created, err = d.visit(ctx, site, uid); err != nil {
		return Person{}, false, err
	}
	events := []Event{{Measure: SiteLogins, At: p.LastLogin, CID: cid, Times: 1}}
	if created {
		events = append(events, Event{Measure: NewSiteUsers, At: p.LastLogin, CID: cid, Times: 1})
	}
	// The login is on disk: a caller who goes away does not leave it uncounted.
	return p, created, d.store.Count(context.WithoutCancel(ctx), site, events...)
}

// visit is Visit without counting. Each try is one transaction.
func (d *Directory) visit(ctx context.Context, site, uid string) (p Person, created bool, err error) {
	now := d.moment()
	for range maxRaces {
		p, err = d.named(ctx, site, uid)
		switch {
		case err == nil:
			p.User, err = d.store.EditUser(ctx, site, p.Token, func(u *User) error {
				u.LastLogin = now
				u.Logins++
				return nil
			})
			if !errors.Is(err, ErrNotFound) {
				return p, false, err
			}
		case errors.Is(err, ErrNotFound):
			u := d.newUser(uid)
			u.Logins = 1
			if err = d.store.PutUser(ctx, site, u); !errors.Is(err, ErrTaken) {
				return Person{User: u}, true, err
			}
		default:
			return Person{}, false, err
		}
	}
	return Person{}, false, err
}

package publish

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"time"

	"herald.example/internal/site"
)

// refresh renews the credentials of an attempt, one call at a time for an identity.
// The new pair is stored before it is returned. Who waited for another's refresh
// takes its outcome. cause is returned when the network has no means to refresh. The
// error is always an *Error: nothing was posted.
func (p *Publisher) refresh(ctx context.Context, a *attempt, cause error) (site.Opened, error) {
	refresher, ok := a.network.(Refresher)
	if !ok {
		return a.who, cause
	}
	who, err := p.refreshOnce(ctx, refresher, a.who)
	if err != nil && isUnknown(err) {
		err = &Error{Kind: Transient, Network: who.Provider, Message: "The credentials could not be renewed.", Err: err}
	}
	return who, err
}

// refreshOnce is refresh for a network that can.
func (p *Publisher) refreshOnce(ctx context.Context, refresher Refresher, old site.Opened) (site.Opened, error) {
	return p.renew(ctx, old, func(ctx context.Context, who site.Opened) (site.Credentials, error) {
		if !sameTokens(who, old) {
			return who.Credentials, nil // somebody was faster
		}
		return refresher.Refresh(ctx, who)
	})
}

// renew lets a call change the credentials of an identity: one at a time, beginning
// with what is stored, and what it returns is stored before it is used.
//
// Nothing cuts the call, neither the end of the process nor a caller who goes away: a
// network that has given a new pair takes the old one no more.
func (p *Publisher) renew(ctx context.Context, old site.Opened, call func(context.Context, site.Opened) (site.Credentials, error)) (site.Opened, error) {
	unlock, err := p.refreshes.lock(ctx, old.Identity)
	if err != nil {
		return old, err
	}
	defer unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), renewTimeout)
	defer cancel()
	who, err := p.o.Directory.Unseal(ctx, old.Site, old.Identity)
	if err != nil {
		return old, unsealError(old.Provider, err)
	}
	fresh, err := call(ctx, who)
	if err != nil || reflect.DeepEqual(fresh, who.Credentials) {
		return who, err
	}
	write, cancelWrite := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancelWrite()
	if now, err := p.o.Directory.Unseal(write, who.Site, who.Identity); err == nil && !sameTokens(now, who) {
		return now, nil // its user has connected it again meanwhile: that counts
	}
	if err := p.o.Directory.SaveCredentials(write, who.Site, who.Identity, fresh); err != nil {
		return who, fmt.Errorf("save credentials: %w", err)
	}
	who.Credentials = fresh
	return who, nil
}

// sameTokens says whether two readings of an identity have the same credentials.
func sameTokens(a, b site.Opened) bool {
	x, y := a.Credentials, b.Credentials
	return x.Access == y.Access && x.Refresh == y.Refresh && x.Secret == y.Secret
}

// Import asks a network whose credentials these are, and lets the account arrive in
// the site. The error is an *Error of the network, or wraps site.ErrProvider,
// site.ErrAccount or site.ErrNotFound.
func (p *Publisher) Import(ctx context.Context, s site.Site, login site.Login) (site.Person, site.Identity, site.Connection, error) {
	fail := func(err error) (site.Person, site.Identity, site.Connection, error) {
		return site.Person{}, site.Identity{}, site.Connection{}, err
	}
	network, err := p.o.Networks.Network(s, login.Provider)
	if err != nil {
		return fail(err)
	}
	introducer, ok := network.(Introducer)
	if !ok {
		return fail(fmt.Errorf("%w: %s does not tell whose credentials these are", site.ErrAccount, login.Provider))
	}
	// The network may renew them: a caller who goes away does not lose them.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), renewTimeout)
	defer cancel()
	account, profile, credentials, err := introducer.Introduce(ctx, site.Opened{
		Site: s.ID, Provider: login.Provider, Account: login.Account, Credentials: login.Credentials,
	})
	if err != nil {
		return fail(err)
	}
	login.Account, login.Profile, login.Credentials = account, profile, credentials
	write, cancelWrite := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancelWrite()
	return p.o.Directory.Login(write, s.ID, login)
}

// Synchronize renews what is known of an identity: its profile, its credentials, or
// both. Errors are those of Import.
func (p *Publisher) Synchronize(ctx context.Context, s site.Site, identity string, profile, token bool) (site.Identity, error) {
	i, err := p.o.Directory.Identity(ctx, s.ID, identity)
	if err != nil {
		return site.Identity{}, err
	}
	network, err := p.o.Networks.Network(s, i.Provider)
	if err != nil {
		return site.Identity{}, err
	}
	who, err := p.o.Directory.Unseal(ctx, s.ID, identity)
	if err != nil {
		return site.Identity{}, unsealError(i.Provider, err)
	}
	a := &attempt{site: s, network: network, who: who}
	_, refreshes := network.(Refresher)
	if token && refreshes {
		if a.who, err = p.refresh(ctx, a, nil); err != nil {
			return site.Identity{}, err
		}
	}
	if introducer, ok := network.(Introducer); ok && profile {
		var account site.Account
		var found site.Profile
		introduce := func(ctx context.Context, who site.Opened) (c site.Credentials, err error) {
			account, found, c, err = introducer.Introduce(ctx, who) // which may renew them
			return c, err
		}
		a.who, err = p.renew(ctx, a.who, introduce)
		if expired(err) {
			if a.who, err = p.refresh(ctx, a, err); err == nil {
				a.who, err = p.renew(ctx, a.who, introduce)
			}
		}
		if err != nil {
			return site.Identity{}, err
		}
		return p.o.Directory.SetProfile(ctx, s.ID, identity, account, found)
	}
	return p.o.Directory.Identity(ctx, s.ID, identity)
}

// keyed are locks by name, which some may hold at a time.
type keyed struct {
	places int // how many hold a name at a time
	most   int // how many hold it or wait for it

	mu    sync.Mutex // protects locks
	locks map[string]*keyedLock
}

type keyedLock struct {
	held  chan struct{} // holds a value for each that holds the lock
	users int           // that hold it or wait for it
}

// errCrowded is returned when too many wait for a lock already.
var errCrowded = errors.New("too many wait")

// lock waits for the lock of a name. The caller calls unlock once.
func (k *keyed) lock(ctx context.Context, name string) (unlock func(), err error) {
	k.mu.Lock()
	if k.locks == nil {
		k.locks = make(map[string]*keyedLock)
	}
	l := k.locks[name]
	if l == nil {
		l = &keyedLock{held: make(chan struct{}, k.places)}
		k.locks[name] = l
	}
	if l.users >= k.most {
		k.mu.Unlock()
		return nil, errCrowded
	}
	l.users++
	k.mu.Unlock()
	leave := func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		if l.users--; l.users == 0 {
			delete(k.locks, name)
		}
	}
	select {
	case l.held <- struct{}{}:
		return func() { <-l.held; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
}

// pauses are identities whose network asked to be left alone for a while. The zero
// value is ready. It is an act of politeness: what it forgets costs a call.
type pauses struct {
	mu   sync.Mutex // protects ends
	ends map[string]time.Time
}

// maxPauses bounds the identities remembered.
const maxPauses = 10_000

func (p *pauses) set(identity string, until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ends == nil {
		p.ends = make(map[string]time.Time)
	}
	if len(p.ends) >= maxPauses {
		clear(p.ends)
	}
	p.ends[identity] = until
}

// until says until when an identity is left alone, if it is.
func (p *pauses) until(identity string, now time.Time) (time.Time, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	end, ok := p.ends[identity]
	if ok && !now.Before(end) {
		delete(p.ends, identity)
		ok = false
	}
	return end.UTC(), ok
}

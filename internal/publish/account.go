package publish

import (
	"context"
	"fmt"
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
	unlock, err := p.refreshes.lock(ctx, old.Identity)
	if err != nil {
		return old, err
	}
	defer unlock()
	who, err := p.o.Directory.Unseal(ctx, old.Site, old.Identity)
	if err != nil {
		return old, unsealError(old.Provider, err)
	}
	if who.Credentials.Access != old.Credentials.Access {
		return who, nil // somebody was faster
	}
	fresh, err := refresher.Refresh(ctx, who)
	if err != nil {
		return who, err
	}
	// Written also while the process stops: the old pair may be void already.
	write, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	if err := p.o.Directory.SaveCredentials(write, who.Site, who.Identity, fresh); err != nil {
		return who, fmt.Errorf("save credentials: %w", err)
	}
	who.Credentials = fresh
	return who, nil
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
	account, profile, credentials, err := introducer.Introduce(ctx, site.Opened{
		Site: s.ID, Provider: login.Provider, Account: login.Account, Credentials: login.Credentials,
	})
	if err != nil {
		return fail(err)
	}
	login.Account, login.Profile, login.Credentials = account, profile, credentials
	return p.o.Directory.Login(ctx, s.ID, login)
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
		account, found, _, err := introducer.Introduce(ctx, a.who)
		if expired(err) {
			if a.who, err = p.refresh(ctx, a, err); err == nil {
				account, found, _, err = introducer.Introduce(ctx, a.who)
			}
		}
		if err != nil {
			return site.Identity{}, err
		}
		return p.o.Directory.SetProfile(ctx, s.ID, identity, account, found)
	}
	return p.o.Directory.Identity(ctx, s.ID, identity)
}

// keyed are locks by name. The zero value is ready.
type keyed struct {
	mu    sync.Mutex // protects locks
	locks map[string]*keyedLock
}

type keyedLock struct {
	held  chan struct{} // holds a value while locked
	users int           // that hold it or wait for it
}

// lock waits for the lock of a name. The caller calls unlock once.
func (k *keyed) lock(ctx context.Context, name string) (unlock func(), err error) {
	k.mu.Lock()
	if k.locks == nil {
		k.locks = make(map[string]*keyedLock)
	}
	l := k.locks[name]
	if l == nil {
		l = &keyedLock{held: make(chan struct{}, 1)}
		k.locks[name] = l
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

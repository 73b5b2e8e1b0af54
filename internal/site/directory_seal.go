package site

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"
)

// seal seals credentials for an identity. The caller holds sealing until they are
// stored.
func (d *Directory) seal(site, identity string, c Credentials) []byte {
	return d.ring.Seal(encodeCredentials(c), boundCredentials(site, identity))
}

// Unseal returns an identity with its credentials. They live in memory only.
func (d *Directory) Unseal(ctx context.Context, site, token string) (Opened, error) {
	d.sealing.RLock()
	defer d.sealing.RUnlock()
	i, err := d.Identity(ctx, site, token)
	if err != nil {
		return Opened{}, err
	}
	o := Opened{Site: site, Identity: i.Token, Provider: i.Provider, Account: i.Account}
	plain, err := d.ring.Open(i.Sealed, boundCredentials(site, i.Token))
	if err == nil {
		o.Credentials, err = decodeCredentials(plain)
	}
	if err != nil {
		return Opened{}, fmt.Errorf("credentials of identity %s: %w", token, err)
	}
	return o, nil
}

// SaveCredentials gives an identity new credentials. What was broken about it is
// forgotten.
func (d *Directory) SaveCredentials(ctx context.Context, site, token string, c Credentials) error {
	if err := checkCredentials(c); err != nil {
		return err
	}
	now := d.moment()
	d.sealing.RLock()
	defer d.sealing.RUnlock()
	_, err := d.edit(ctx, site, token, func(i *Identity) error {
		i.Sealed, i.Broken, i.Updated = d.seal(site, token, c), "", now
		return nil
	})
	return err
}

// Rotate seals everything under a new key and forgets the ones before. It returns
// how many records were sealed anew. When it fails or is interrupted, everything can
// still be opened, and another Rotate finishes the work.
func (d *Directory) Rotate(ctx context.Context) (int, error) {
	if err := d.ring.Rotate(); err != nil {
		return 0, err
	}
	n, err := d.Reseal(ctx)
	if err != nil {
		return n, err
	}
	// Who has read bytes under an old key opens them first.
	d.sealing.Lock()
	defer d.sealing.Unlock()
	return n, d.ring.Retire()
}

// resealers is how many identities are sealed anew at once. Each waits for its
// transaction, and the store makes one sync of many that wait.
const resealers = 32

// Reseal seals everything under the ring's newest key that is under another, and
// returns how many records that were. Afterwards nothing needs the other keys any
// more.
func (d *Directory) Reseal(ctx context.Context) (int, error) {
	// Whatever was sealed before the ring got its key is stored now, or else is
	// seen below. What is sealed from here on is under the newest key.
	d.sealing.Lock()
	d.sealing.Unlock() //nolint:staticcheck // SA2001: nothing is to be done while all others are out
	resealed := 0
	for _, s := range d.Sites() {
		n, err := d.resealSite(ctx, s.ID)
		resealed += n
		if err != nil {
			return resealed, fmt.Errorf("seal site %s anew: %w", s.Name, err)
		}
	}
	return resealed, nil
}

// resealSite seals the keys and the identities of a site anew.
func (d *Directory) resealSite(ctx context.Context, site string) (int, error) {
	resealed := 0
	if _, err := d.change(ctx, site, "reseal", func(s *Site) error {
		pairs := make([]KeyPair, len(s.Keys))
		for i, pair := range s.Keys {
			if !d.ring.current(pair.Private) {
				var err error
				if pair.Private, err = d.reseal(pair.Private, boundKey(s.ID, pair.Public)); err != nil {
					return fmt.Errorf("private key: %w", err)
				}
				resealed++
			}
			pairs[i] = pair
		}
		s.Keys = pairs
		n, err := d.resealGigya(s)
		resealed += n
		return err
	}); err != nil {
		return 0, err
	}
	for after := ""; ; {
		page, err := d.store.ListIdentities(ctx, site, ListQuery{After: after, Limit: MaxPage})
		switch {
		case errors.Is(err, ErrNotFound) && after != "":
			after = "" // where it went on was deleted; what is done is passed quickly
			continue
		case err != nil:
			return resealed, err
		}
		n, err := d.resealPage(ctx, site, page.Entries)
		resealed += n
		if err != nil || !page.More || len(page.Entries) == 0 {
			return resealed, err
		}
		after = page.Entries[len(page.Entries)-1].Token
	}
}

// resealPage seals identities anew.
func (d *Directory) resealPage(ctx context.Context, site string, page []Identity) (int, error) {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(resealers)
	resealed := 0
	for _, old := range page {
		if d.ring.current(old.Sealed) {
			continue
		}
		resealed++
		group.Go(func() error {
			d.sealing.RLock()
			defer d.sealing.RUnlock()
			_, err := d.store.EditIdentity(ctx, site, old.Token, func(i *Identity) (err error) {
				i.Sealed, err = d.reseal(i.Sealed, boundCredentials(site, i.Token))
				return err
			})
			switch {
			case errors.Is(err, ErrNotFound):
				return nil // deleted in the meantime
			case errors.Is(err, ErrSealed):
				return fmt.Errorf("credentials of identity %s: %w; delete the identity and let its user connect again", old.Token, err)
			}
			return err
		})
	}
	return resealed, group.Wait()
}

// reseal seals under the newest key what is sealed under any. The caller holds
// sealing.
func (d *Directory) reseal(sealed, bound []byte) ([]byte, error) {
	plain, err := d.ring.Open(sealed, bound)
	if err != nil {
		return nil, err
	}
	return d.ring.Seal(plain, bound), nil
}

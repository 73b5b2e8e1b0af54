package site

import (
	"bytes"
	"context"
	"crypto/subtle"
	"fmt"
	"slices"
)

// SetClientKeys gives a site the API key and the secret that its clients have already.
// The ones before, and the tokens that were made with them, end at once. The error is
// ErrTaken when another site has the API key.
func (d *Directory) SetClientKeys(ctx context.Context, id string, keys ClientKeys) (Site, error) {
	return d.change(ctx, id, "set API key of", func(s *Site) error { return d.setClientKeys(s, keys) })
}

// setClientKeys seals keys for s. The caller holds sealing and changing.
func (d *Directory) setClientKeys(s *Site, keys ClientKeys) error {
	if err := keys.Check(); err != nil {
		return err
	}
	if other, ok := d.roll.Load().gigya[keys.APIKey]; ok && other.Site.ID != s.ID {
		return fmt.Errorf("%w: site %s has the API key", ErrTaken, other.Site.Name)
	}
	s.Gigya.APIKey = keys.APIKey
	s.Gigya.Secret = d.ring.Seal([]byte(keys.Secret), boundGigya(s.ID, keys.APIKey))
	return nil
}

// ImportUserKey gives a site a user key that an application has already. The error is
// ErrUserKey when it cannot be one or the site has too many, and ErrTaken when the site
// has it already, or another site has it with another secret or public key: a user key
// names one application, wherever it may act.
func (d *Directory) ImportUserKey(ctx context.Context, id string, draft UserKeyDraft) (Site, UserKey, error) {
	k := UserKey{Key: draft.Key, Created: d.moment()}
	s, err := d.change(ctx, id, "add user key to", func(s *Site) (err error) {
		if err := draft.Check(); err != nil {
			return err
		}
		if draft.PublicKey != "" {
			if k.RSA, err = parseRSA([]byte(draft.PublicKey)); err != nil {
				return err
			}
		} else {
			k.Secret = d.ring.Seal([]byte(draft.Secret), boundUserKey(s.ID, k.Key))
		}
		if err := d.checkApplication(s.ID, k, draft.Secret); err != nil {
			return err
		}
		return s.Gigya.addUserKey(k)
	})
	if err != nil {
		return Site{}, UserKey{}, err
	}
	return s, k, nil
}

// checkApplication refuses a user key for a site that has it, and one that is another
// application's elsewhere.
func (d *Directory) checkApplication(id string, k UserKey, secret Secret) error {
	r := d.roll.Load()
	for _, s := range r.sites {
		at := slices.IndexFunc(s.Gigya.UserKeys, func(other UserKey) bool { return other.Key == k.Key })
		if at < 0 {
			continue
		}
		if s.ID == id {
			return fmt.Errorf("%w: the site has the user key already", ErrTaken)
		}
		open := r.gigya[s.Gigya.APIKey].UserKeys[k.Key]
		sameSecret := subtle.ConstantTimeCompare([]byte(open.Secret), []byte(secret)) == 1
		if !sameSecret || !bytes.Equal(s.Gigya.UserKeys[at].RSA, k.RSA) {
			return fmt.Errorf("%w: site %s has the user key with another secret or public key", ErrTaken, s.Name)
		}
	}
	return nil
}

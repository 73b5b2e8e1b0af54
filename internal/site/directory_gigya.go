package site

import (
	"context"
	"fmt"
	"slices"
)

// newGigya makes what a site has for Gigya's dialect, with the secret in the clear.
// All URLs may be shared until an operator says which. The caller holds sealing.
func (d *Directory) newGigya(site string) (Gigya, Secret) {
	g := Gigya{APIKey: newAPIKey(), Trusted: []string{"*"}}
	secret := newSecret()
	g.Secret = d.ring.Seal([]byte(secret), boundGigya(site, g.APIKey))
	return g, secret
}

// equip gives sites that are older than Gigya's dialect what new ones have. Nobody
// has seen their secrets, so their clients need new ones.
func (d *Directory) equip(ctx context.Context) error {
	for _, s := range d.Sites() {
		if s.Gigya.APIKey != "" {
			continue
		}
		if _, err := d.change(ctx, s.ID, "make API key of", func(s *Site) error {
			s.Gigya, _ = d.newGigya(s.ID)
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

// openGigya opens what requests in Gigya's dialect for a site are authenticated with.
func (d *Directory) openGigya(s Site) (GigyaKeys, error) {
	keys := GigyaKeys{Site: s, UserKeys: make(map[string]OpenUserKey, len(s.Gigya.UserKeys))}
	secret, err := d.ring.Open(s.Gigya.Secret, boundGigya(s.ID, s.Gigya.APIKey))
	if err != nil {
		return GigyaKeys{}, fmt.Errorf("open site %s: its secret: %w", s.Name, err)
	}
	keys.Secret = Secret(secret)
	for _, k := range s.Gigya.UserKeys {
		var open OpenUserKey
		if k.Secret != nil {
			secret, err := d.ring.Open(k.Secret, boundUserKey(s.ID, k.Key))
			if err != nil {
				return GigyaKeys{}, fmt.Errorf("open site %s: secret of user key %s: %w", s.Name, k.Key, err)
			}
			open.Secret = Secret(secret)
		}
		if k.RSA != nil {
			if open.RSA, err = openRSA(k.RSA); err != nil {
				return GigyaKeys{}, fmt.Errorf("open site %s: public key of user key %s: %w", s.Name, k.Key, err)
			}
		}
		keys.UserKeys[k.Key] = open
	}
	return keys, nil
}

// GigyaKeys returns the site that an API key names, and what a request for it may be
// authenticated with. It proves no right to the site. The error is ErrNotFound. It
// reads memory only.
func (d *Directory) GigyaKeys(apiKey string) (GigyaKeys, error) {
	keys, ok := d.roll.Load().gigya[apiKey]
	if !ok {
		return GigyaKeys{}, fmt.Errorf("API key: %w", ErrNotFound)
	}
	return keys, nil
}

// RotateGigyaSecret makes a new secret for Gigya's dialect and returns it in the clear
// this once. The one before ends at once.
func (d *Directory) RotateGigyaSecret(ctx context.Context, id string) (Site, Secret, error) {
	secret := newSecret()
	s, err := d.change(ctx, id, "rotate secret of", func(s *Site) error {
		s.Gigya.Secret = d.ring.Seal([]byte(secret), boundGigya(s.ID, s.Gigya.APIKey))
		return nil
	})
	if err != nil {
		return Site{}, "", err
	}
	return s, secret, nil
}

// AddUserKey makes a key with which an application may act for a site: with the
// public RSA key in a PEM text, or else with a secret, which is returned in the clear
// this once. The error is ErrUserKey when the text is no such key or the site has
// too many.
func (d *Directory) AddUserKey(ctx context.Context, id string, rsaPublicPEM []byte) (Site, UserKey, Secret, error) {
	k := UserKey{Key: newUserKey(), Created: d.moment()}
	var secret Secret
	if rsaPublicPEM == nil {
		secret = newSecret()
	}
	s, err := d.change(ctx, id, "add user key to", func(s *Site) (err error) {
		if rsaPublicPEM == nil {
			k.Secret = d.ring.Seal([]byte(secret), boundUserKey(s.ID, k.Key))
		} else if k.RSA, err = parseRSA(rsaPublicPEM); err != nil {
			return err
		}
		return s.Gigya.addUserKey(k)
	})
	if err != nil {
		return Site{}, UserKey{}, "", err
	}
	return s, k, secret, nil
}

// PermitUserKey lets an application act for another site, too, with the key that it
// has on the first one: under the same name, with the same secret or public key. From
// then on the sites know nothing of each other's. The error is ErrNotFound when the
// first site has no such key, ErrTaken when the other one has it already, and
// ErrUserKey when that has too many.
func (d *Directory) PermitUserKey(ctx context.Context, from, key, to string) (Site, UserKey, error) {
	k := UserKey{Key: key, Created: d.moment()}
	s, err := d.change(ctx, to, "permit user key on", func(s *Site) error {
		r := d.roll.Load()
		i, ok := r.byID[from]
		if !ok {
			return fmt.Errorf("the key's site: %w", ErrNotFound)
		}
		source := r.sites[i]
		has := func(k UserKey) bool { return k.Key == key }
		at := slices.IndexFunc(source.Gigya.UserKeys, has)
		switch {
		case at < 0:
			return fmt.Errorf("user key: %w on site %s", ErrNotFound, source.Name)
		case slices.ContainsFunc(s.Gigya.UserKeys, has):
			return fmt.Errorf("%w: the site has the user key already", ErrTaken)
		}
		k.RSA = source.Gigya.UserKeys[at].RSA
		if sealed := source.Gigya.UserKeys[at].Secret; sealed != nil {
			secret, err := d.ring.Open(sealed, boundUserKey(source.ID, key))
			if err != nil {
				return fmt.Errorf("secret of the user key: %w", err)
			}
			k.Secret = d.ring.Seal(secret, boundUserKey(s.ID, key))
		}
		return s.Gigya.addUserKey(k)
	})
	if err != nil {
		return Site{}, UserKey{}, err
	}
	return s, k, nil
}

// addUserKey adds a key, if there is room.
func (g *Gigya) addUserKey(k UserKey) error {
	if len(g.UserKeys) >= maxUserKeys {
		return fmt.Errorf("%w: the site has %d already; remove one first", ErrUserKey, maxUserKeys)
	}
	g.UserKeys = append(slices.Clone(g.UserKeys), k)
	return nil
}

// RemoveUserKey ends a key of an application on a site; where else it is permitted, it
// stays. The error is ErrNotFound when the site has no such key.
func (d *Directory) RemoveUserKey(ctx context.Context, id, key string) error {
	_, err := d.change(ctx, id, "remove user key of", func(s *Site) error {
		rest := slices.DeleteFunc(slices.Clone(s.Gigya.UserKeys), func(k UserKey) bool { return k.Key == key })
		if len(rest) == len(s.Gigya.UserKeys) {
			return fmt.Errorf("user key: %w", ErrNotFound)
		}
		s.Gigya.UserKeys = rest
		return nil
	})
	return err
}

// resealGigya seals a site's secrets for Gigya's dialect anew, and says how many were
// under another key than the newest. The caller holds sealing.
func (d *Directory) resealGigya(s *Site) (resealed int, err error) {
	if !d.ring.current(s.Gigya.Secret) {
		if s.Gigya.Secret, err = d.reseal(s.Gigya.Secret, boundGigya(s.ID, s.Gigya.APIKey)); err != nil {
			return 0, fmt.Errorf("secret: %w", err)
		}
		resealed++
	}
	s.Gigya.UserKeys = slices.Clone(s.Gigya.UserKeys)
	for i, k := range s.Gigya.UserKeys {
		if k.Secret == nil || d.ring.current(k.Secret) {
			continue
		}
		if s.Gigya.UserKeys[i].Secret, err = d.reseal(k.Secret, boundUserKey(s.ID, k.Key)); err != nil {
			return 0, fmt.Errorf("secret of user key %s: %w", k.Key, err)
		}
		resealed++
	}
	return resealed, nil
}

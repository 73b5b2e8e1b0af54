package site

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Directory knows sites, users and identities. Sites are few and asked for with
// every request: they are held in memory, and every change is on disk before it
// shows. All methods are safe for concurrent use. Parameters named site are IDs of
// sites; a Site that is returned shares its slices with others, which must not be
// changed.
type Directory struct {
	store Store
	ring  *Ring
	now   func() time.Time

	// sealing is held for reading from a Seal until what was sealed is stored, and
	// from a reading of sealed bytes to their Open. Who changes the ring takes it to
	// know that nothing under an old key is on its way.
	sealing sync.RWMutex
	// changing is held by the one who changes sites.
	changing sync.Mutex
	roll     atomic.Pointer[roll]

	places *placeLists
}

// roll is all sites at one moment. It does not change.
type roll struct {
	sites  []Site // in the order of creation
	byID   map[string]int
	byName map[string]int
	keys   map[string]rollKey   // by public key
	gigya  map[string]GigyaKeys // by API key; opened, for they are used with every request
}

// rollKey is a pair of keys as it is compared.
type rollKey struct {
	site    int
	private [sha256.Size]byte // hashed, so that comparing takes one time for all
	expires time.Time
}

// SiteDraft is a site to be added.
type SiteDraft struct {
	Name      string
	Domain    string   // where its short URLs live; empty: the shortener's default
	Simulated []string // keys of providers; "*" for all

	Keys ClientKeys // that its clients have already; zero: new ones are made
}

// OpenDirectory reads the sites in store, and gives those without an API key one. now
// gives the time. The error is ErrSealed when the ring does not hold the key of this store: without it nothing
// that is sealed can be used, so nothing is served.
func OpenDirectory(ctx context.Context, store Store, ring *Ring, now func() time.Time) (*Directory, error) {
	sites, err := store.Sites(ctx)
	if err != nil {
		return nil, err
	}
	d := &Directory{store: store, ring: ring, now: now, places: newPlaceLists()}
	r, err := d.newRoll(sites)
	if err != nil {
		return nil, fmt.Errorf("%w; put the file %s back that belongs to this data, from a backup: without it no key and no credentials can be used", err, ring.path)
	}
	d.roll.Store(r)
	if err := d.equip(ctx); err != nil {
		return nil, err
	}
	return d, nil
}

// newRoll indexes sites. It opens every private key and every secret.
func (d *Directory) newRoll(sites []Site) (*roll, error) {
	r := &roll{
		sites: sites, byID: make(map[string]int), byName: make(map[string]int), keys: make(map[string]rollKey), gigya: make(map[string]GigyaKeys),
	}
	for i, s := range sites {
		r.byID[s.ID], r.byName[s.Name] = i, i
		for _, pair := range s.Keys {
			private, err := d.ring.Open(pair.Private, boundKey(s.ID, pair.Public))
			if err != nil {
				return nil, fmt.Errorf("open site %s: its private key: %w", s.Name, err)
			}
			r.keys[pair.Public] = rollKey{i, sha256.Sum256(private), pair.Expires}
		}
		if s.Gigya.APIKey == "" {
			continue
		}
		keys, err := d.openGigya(s)
		if err != nil {
			return nil, err
		}
		r.gigya[s.Gigya.APIKey] = keys
	}
	return r, nil
}

// moment is now, as it is stored: in UTC and milliseconds.
func (d *Directory) moment() time.Time { return d.now().UTC().Truncate(time.Millisecond) }

// Sites returns all sites in the order of creation.
func (d *Directory) Sites() []Site { return slices.Clone(d.roll.Load().sites) }

// Site returns the site of an ID or a name.
func (d *Directory) Site(idOrName string) (Site, error) {
	r := d.roll.Load()
	i, ok := r.byID[idOrName]
	if !ok {
		i, ok = r.byName[idOrName]
	}
	if !ok {
		return Site{}, fmt.Errorf("site %.100q: %w", idOrName, ErrNotFound)
	}
	return r.sites[i], nil
}

// checkSite refuses an ID that is no site's.
func (d *Directory) checkSite(id string) error {
	if _, ok := d.roll.Load().byID[id]; !ok {
		return fmt.Errorf("site: %w", ErrNotFound)
	}
	return nil
}

// Authenticate returns the site that a pair of keys opens. The error is ErrKeys for
// every pair that opens none, and takes the same time whether the public key is
// known or not. It reads memory only.
func (d *Directory) Authenticate(public, private string) (Site, error) {
	r := d.roll.Load()
	key, known := r.keys[public] // of an unknown one: a key that nothing hashes to
	hash := sha256.Sum256([]byte(private))
	equal := subtle.ConstantTimeCompare(hash[:], key.private[:]) == 1
	if !equal || !known || key.expired(d.now()) {
		return Site{}, ErrKeys
	}
	return r.sites[key.site], nil
}

// expired says whether the pair opens nothing any more.
func (k rollKey) expired(now time.Time) bool { return !k.expires.IsZero() && !now.Before(k.expires) }

// AddSite makes a site with a first pair of keys and an API key with its secret, which
// are returned in the clear this once. A secret that came with the draft is not
// returned. The error is ErrTaken when another site has the name or the API key.
func (d *Directory) AddSite(ctx context.Context, draft SiteDraft) (Site, NewKeys, error) {
	s := Site{ID: newToken(), Name: draft.Name, Created: d.moment(), Domain: draft.Domain, Simulated: draft.Simulated}
	if err := checkSettings(&s); err != nil {
		return Site{}, NewKeys{}, fmt.Errorf("add site %.63s: %w", draft.Name, err)
	}
	d.sealing.RLock()
	defer d.sealing.RUnlock()
	pair, keys := d.newPair(s.ID)
	s.Keys = []KeyPair{pair}
	s.Gigya, keys.Secret = d.newGigya(s.ID)
	d.changing.Lock()
	defer d.changing.Unlock()
	if draft.Keys != (ClientKeys{}) {
		if err := d.setClientKeys(&s, draft.Keys); err != nil {
			return Site{}, NewKeys{}, fmt.Errorf("add site %s: %w", s.Name, err)
		}
		keys.Secret = ""
	}
	keys.APIKey = s.Gigya.APIKey
	if err := d.put(ctx, s); err != nil {
		return Site{}, NewKeys{}, err
	}
	return s, keys, nil
}

// newPair makes a pair of keys for a site. The caller holds sealing.
func (d *Directory) newPair(site string) (KeyPair, NewKeys) {
	keys := NewKeys{Public: newToken(), Private: Secret(newToken())}
	sealed := d.ring.Seal([]byte(keys.Private), boundKey(site, keys.Public))
	return KeyPair{Public: keys.Public, Private: sealed, Created: d.moment()}, keys
}

// put writes a site, new or changed, and makes it known. The caller holds changing.
func (d *Directory) put(ctx context.Context, s Site) error {
	// A caller who goes away does not leave memory and disk apart.
	if err := d.store.PutSite(context.WithoutCancel(ctx), s); err != nil {
		return err
	}
	sites := d.Sites()
	if i, ok := d.roll.Load().byID[s.ID]; ok {
		sites[i] = s
	} else {
		sites = append(sites, s)
	}
	r, err := d.newRoll(sites)
	if err != nil {
		return err
	}
	d.roll.Store(r)
	return nil
}

// EditSite lets edit change the settings of a site: its name, its domain, how its
// links redirect, what is simulated, and the settings in Gigya. Names of keys and
// secrets, and whatever else edit changes, stay as they were.
func (d *Directory) EditSite(ctx context.Context, id string, edit func(*Site) error) (Site, error) {
	return d.change(ctx, id, "edit", func(s *Site) error {
		draft := *s
		draft.Simulated = slices.Clone(s.Simulated)
		draft.Gigya.Trusted, draft.Gigya.Providers = slices.Clone(s.Gigya.Trusted), slices.Clone(s.Gigya.Providers)
		if err := edit(&draft); err != nil {
			return err
		}
		s.Name, s.Domain, s.Redirect, s.Simulated = draft.Name, draft.Domain, draft.Redirect, draft.Simulated
		keys := s.Gigya
		s.Gigya = draft.Gigya
		s.Gigya.APIKey, s.Gigya.Secret, s.Gigya.UserKeys = keys.APIKey, keys.Secret, keys.UserKeys
		return checkSettings(s)
	})
}

// change lets edit change a site and writes it.
func (d *Directory) change(ctx context.Context, id, what string, edit func(*Site) error) (Site, error) {
	d.sealing.RLock()
	defer d.sealing.RUnlock()
	d.changing.Lock()
	defer d.changing.Unlock()
	r := d.roll.Load()
	i, ok := r.byID[id]
	if !ok {
		return Site{}, fmt.Errorf("%s site: %w", what, ErrNotFound)
	}
	s := r.sites[i]
	if err := edit(&s); err != nil {
		return Site{}, fmt.Errorf("%s site %s: %w", what, r.sites[i].Name, err)
	}
	return s, d.put(ctx, s)
}

// maxPairs is the most pairs of keys of a site.
const maxPairs = 16

// RotateKeys makes a new pair of keys for a site and returns it in the clear this
// once. The pairs before stay good for grace, and no longer than they were;
// without it they end at once.
func (d *Directory) RotateKeys(ctx context.Context, id string, grace time.Duration) (Site, NewKeys, error) {
	var keys NewKeys
	s, err := d.change(ctx, id, "rotate keys of", func(s *Site) error {
		var pair KeyPair
		pair, keys = d.newPair(s.ID)
		pairs := []KeyPair{pair}
		end := pair.Created.Add(max(grace, 0))
		for _, old := range s.Keys {
			if old.Expires.IsZero() || old.Expires.After(end) {
				old.Expires = end
			}
			if old.Expires.After(pair.Created) {
				pairs = append(pairs, old)
			}
		}
		if len(pairs) > maxPairs {
			return fmt.Errorf("%w: %d older ones are still good; a shorter grace ends them", ErrPairs, len(pairs)-1)
		}
		s.Keys = pairs
		return nil
	})
	if err != nil {
		return Site{}, NewKeys{}, err
	}
	return s, keys, nil
}

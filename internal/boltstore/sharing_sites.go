package boltstore

import (
	"context"
	"fmt"

	"go.etcd.io/bbolt"

	"herald.example/internal/site"
)

// PutSite implements site.Sites. An ID that is no UUID is refused. It reads all
// sites, which are few.
func (s *Sharing) PutSite(ctx context.Context, put site.Site) error {
	err := s.change(ctx, 1, func(w *sharingWriter) error {
		if _, ok := parseID(put.ID); !ok {
			return errToken
		}
		var key []byte // of the site, when it is known
		public := make(map[string]bool, len(put.Keys))
		for _, k := range put.Keys {
			public[k.Public] = true
		}
		b := w.tx.Bucket(sharingSites)
		err := b.ForEach(func(at, value []byte) error {
			other, err := parseSite(at, value)
			switch {
			case err != nil:
				return err
			case other.ID == put.ID:
				key = at
				return nil
			case other.Name == put.Name:
				return site.ErrTaken
			case put.Gigya.APIKey != "" && other.Gigya.APIKey == put.Gigya.APIKey:
				return fmt.Errorf("%w: API key %s", site.ErrTaken, put.Gigya.APIKey)
			}
			for _, k := range other.Keys {
				if public[k.Public] {
					return fmt.Errorf("%w: public key %s", site.ErrTaken, k.Public)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		if key == nil {
			key = appendNumber(nil, w.next(sharingSites))
		}
		w.put(sharingSites, key, appendJSON(nil, newSiteRecord(put)))
		return nil
	})
	if err != nil {
		return fmt.Errorf("put site %q: %w", put.Name, err)
	}
	return nil
}

// parseSite reads an entry of sites.
func parseSite(key, value []byte) (site.Site, error) {
	r, ok := parseJSON[siteRecord](value)
	if !ok {
		return site.Site{}, fmt.Errorf("%w: site %x", ErrDamaged, key)
	}
	return r.site(), nil
}

// Sites implements site.Sites.
func (s *Sharing) Sites(ctx context.Context) (sites []site.Site, err error) {
	err = s.view(ctx, func(tx *bbolt.Tx) error {
		return tx.Bucket(sharingSites).ForEach(func(key, value []byte) error {
			one, err := parseSite(key, value)
			sites = append(sites, one)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read sites: %w", err)
	}
	return sites, nil
}

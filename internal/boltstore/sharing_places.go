package boltstore

import (
	"context"
	"errors"
	"fmt"
	"math"

	"go.etcd.io/bbolt"

	"herald.example/internal/site"
)

// errPlace is returned when a place is nowhere.
var errPlace = errors.New("coordinates are no numbers")

type placeRecord struct {
	ID        string  `json:"id"`
	Name      string  `json:"name"`
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
}

// Places returns the places that a site has loaded, in their order: none, when it has
// loaded none or is unknown.
func (s *Sharing) Places(ctx context.Context, siteID string) (places []site.Place, err error) {
	err = s.view(ctx, func(tx *bbolt.Tx) error {
		owner, ok := parseID(siteID)
		if !ok {
			return nil
		}
		value := tx.Bucket(placesBucket).Get(owner[:])
		if value == nil {
			return nil
		}
		records, ok := parseJSON[[]placeRecord](value)
		if !ok {
			return ErrDamaged
		}
		for _, r := range records {
			places = append(places, site.Place(r))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read places of site %q: %w", siteID, err)
	}
	return places, nil
}

// PutPlaces writes the places of a site in place of those that it had; with none, it has
// none. How many there are is for the caller to bound. Coordinates that are no numbers
// are refused.
func (s *Sharing) PutPlaces(ctx context.Context, siteID string, places []site.Place) error {
	err := func() error {
		owner, ok := parseID(siteID)
		if !ok {
			return site.ErrNotFound
		}
		records := make([]placeRecord, len(places))
		for i, p := range places {
			for _, degrees := range []float64{p.Latitude, p.Longitude} {
				if math.IsNaN(degrees) || math.IsInf(degrees, 0) {
					return fmt.Errorf("place %q: %w", p.ID, errPlace)
				}
			}
			records[i] = placeRecord(p)
		}
		value := appendJSON(nil, records)
		return s.change(ctx, 1+len(value)/4096, func(w *sharingWriter) error {
			if len(records) == 0 {
				w.remove(placesBucket, owner[:])
			} else {
				w.put(placesBucket, owner[:], value)
			}
			return nil
		})
	}()
	if err != nil {
		return fmt.Errorf("put places of site %q: %w", siteID, err)
	}
	return nil
}

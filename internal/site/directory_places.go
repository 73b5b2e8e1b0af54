package site

import (
	"context"
)

// Places returns where users of a site can say they are, in the order of the list that
// it has loaded. Callers share the list and do not change it.
func (d *Directory) Places(ctx context.Context, site string) ([]Place, error) {
	if err := d.checkSite(site); err != nil {
		return nil, err
	}
	return d.places.get(ctx, site, d.store.Places)
}

// SetPlaces replaces the places of a site; none clear the list. The error is ErrPlace
// when CheckPlaces refuses them: then the list stays.
func (d *Directory) SetPlaces(ctx context.Context, site string, places []Place) error {
	if err := CheckPlaces(places); err != nil {
		return err
	}
	if err := d.checkSite(site); err != nil {
		return err
	}
	defer d.places.forget(site) // also after an error: the list may have been written
	return d.store.PutPlaces(ctx, site, places)
}

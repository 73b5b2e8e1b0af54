package site

import (
	"fmt"
	"math"
)

// Place is somewhere that users can say they are.
type Place struct {
	ID        string // unique in its list
	Name      string
	Latitude  float64 // degrees, north is positive
	Longitude float64 // degrees, east is positive
}

// Bounds of places.
const (
	// MaxPlaces is the longest list of places of a site: it is read, kept in memory and
	// searched whole.
	MaxPlaces    = 10_000
	maxPlaceID   = 64  // bytes
	maxPlaceName = 200 // bytes
)

// Check refuses what is no place: its ID has 1 to 64 visible characters of ASCII,
// without commas, its name is a line of 1 to 200 bytes, and it is on the globe. The
// error is ErrPlace.
func (p Place) Check() error {
	if p.ID == "" || len(p.ID) > maxPlaceID {
		return fmt.Errorf("%w: its ID has %d bytes; give 1 to %d", ErrPlace, len(p.ID), maxPlaceID)
	}
	for _, c := range []byte(p.ID) {
		if c <= ' ' || c == ',' || c >= 0x7f {
			return fmt.Errorf("%w: its ID %q has more than visible ASCII without commas", ErrPlace, p.ID)
		}
	}
	if p.Name == "" || len(p.Name) > maxPlaceName {
		return fmt.Errorf("%w: the name of %s has %d bytes; give 1 to %d", ErrPlace, p.ID, len(p.Name), maxPlaceName)
	}
	if !isLine(p.Name) {
		return fmt.Errorf("%w: the name of %s is no line of text", ErrPlace, p.ID)
	}
	if !(math.Abs(p.Latitude) <= 90) { // nor NaN
		return fmt.Errorf("%w: the latitude of %s is %g; give -90 to 90", ErrPlace, p.ID, p.Latitude)
	}
	if !(math.Abs(p.Longitude) <= 180) {
		return fmt.Errorf("%w: the longitude of %s is %g; give -180 to 180", ErrPlace, p.ID, p.Longitude)
	}
	return nil
}

// CheckPlaces refuses what cannot be the list of a site: more than MaxPlaces, a place
// that Check refuses, or an ID twice. The error is ErrPlace.
func CheckPlaces(places []Place) error {
	if len(places) > MaxPlaces {
		return fmt.Errorf("%w: there are %d; at most %d are taken", ErrPlace, len(places), MaxPlaces)
	}
	known := make(map[string]bool, len(places))
	for _, p := range places {
		if err := p.Check(); err != nil {
			return err
		}
		if known[p.ID] {
			return fmt.Errorf("%w: ID %s is there twice", ErrPlace, p.ID)
		}
		known[p.ID] = true
	}
	return nil
}

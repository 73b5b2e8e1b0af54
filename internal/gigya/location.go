package gigya

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"herald.example/internal/publish"
	"herald.example/internal/site"
)

// maxPlaceID bounds the ID of a place, in bytes.
const maxPlaceID = 128

// Bounds of coordinates, in degrees.
const (
	maxLatitude  = 90
	maxLongitude = 180
)

// readLocation reads userLocation: a point, a place, or both. It is nil when the call
// says neither.
func readLocation(c *call) (*publish.Location, error) {
	const name = "userlocation"
	var sent struct {
		Latitude, Longitude json.RawMessage
		PlaceID             *entry
	}
	if _, err := c.parameters.optional(name, &sent); err != nil {
		return nil, err
	}
	bad := func(format string, args ...any) (*publish.Location, error) {
		return nil, invalid(c.parameters.spelling(name), format, args...)
	}
	latitude, hasLatitude, err := coordinate(sent.Latitude, maxLatitude)
	if err != nil {
		return bad("latitude %v", err)
	}
	longitude, hasLongitude, err := coordinate(sent.Longitude, maxLongitude)
	if err != nil {
		return bad("longitude %v", err)
	}
	at := new(publish.Location)
	if sent.PlaceID != nil {
		at.PlaceID = strings.TrimSpace(string(*sent.PlaceID))
	}
	switch {
	case len(at.PlaceID) > maxPlaceID:
		return bad("placeID is longer than %d bytes", maxPlaceID)
	case hasLatitude && hasLongitude:
		at.Latitude, at.Longitude = latitude, longitude
	case at.PlaceID != "":
		at.NoPoint = true
	case hasLatitude || hasLongitude:
		return bad("latitude and longitude belong together")
	default:
		return nil, nil
	}
	return at, nil
}

// coordinate reads a number of degrees, which may stand in quotes. An absent or empty
// one is not given. The error is for the caller, to stand behind the name.
func coordinate(raw json.RawMessage, most float64) (degrees float64, given bool, err error) {
	text := string(raw)
	switch {
	case text == "" || text == jsonNull:
		return 0, false, nil
	case text[0] == '"':
		if err := json.Unmarshal(raw, &text); err != nil {
			return 0, false, errors.New("is no text")
		}
		if text = strings.TrimSpace(text); text == "" {
			return 0, false, nil
		}
	}
	return degreesOf(text, most)
}

// degreesOf reads a number of degrees as JSON writes numbers: no NaN, no infinity.
func degreesOf(text string, most float64) (degrees float64, given bool, err error) {
	var number *float64
	if err := json.Unmarshal([]byte(text), &number); err != nil || number == nil { // null is none
		return 0, false, errors.New("must be a number")
	}
	if *number < -most || *number > most {
		return 0, false, fmt.Errorf("is out of range, which is %v to %v", -most, most)
	}
	return *number, true, nil
}

// findPlace finds a place in the list of a site. An unknown one is not found.
func (h *Handler) findPlace(ctx context.Context, siteID, id string) (p site.Place, found bool, err error) {
	places, err := h.o.Places.Places(ctx, siteID)
	if err != nil {
		return p, false, err
	}
	for _, p := range places {
		if p.ID == id {
			return p, true, nil
		}
	}
	return p, false, nil
}

// locate adds to a location what the site's list knows of its place.
func (h *Handler) locate(ctx context.Context, siteID string, at *publish.Location) error {
	if at == nil || at.PlaceID == "" {
		return nil
	}
	p, found, err := h.findPlace(ctx, siteID, at.PlaceID)
	if err != nil || !found {
		return err
	}
	at.Name = p.Name
	if at.NoPoint {
		at.Latitude, at.Longitude, at.NoPoint = p.Latitude, p.Longitude, false
	}
	return nil
}

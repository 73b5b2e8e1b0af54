package gigya

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strconv"
	"strings"

	"herald.example/internal/site"
)

// Bounds of a search for places. Distances are kilometres.
const (
	defaultRadius = 10
	maxRadius     = 500
	maxPlaces     = 50  // in a reply, the nearest
	maxPlaceQuery = 256 // bytes
)

// getPlaces finds places of the site's list near a point, the nearest first: contract,
// section 14. All networks that take check-ins share the list.
func (h *Handler) getPlaces(ctx context.Context, c *call) (object, error) {
	at, sent, err := readPoint(c.parameters)
	if err != nil {
		return nil, err
	}
	if !sent {
		return nil, missing("latitude")
	}
	radius, err := readRadius(c.parameters)
	if err != nil {
		return nil, err
	}
	query := c.parameters.get("query")
	if len(query) > maxPlaceQuery {
		return nil, invalid("query", "it is longer than %d bytes", maxPlaceQuery)
	}
	chosen, err := readProviders(c)
	if err != nil {
		return nil, err
	}
	if _, err := readCID(c); err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(checkinProviders, chosen.allows) {
		return object{}, nil
	}
	places, err := h.o.Places.Places(ctx, c.keys.Site.ID)
	if err != nil {
		return nil, err
	}
	found := near(places, at, radius, query)
	var shown list
	for _, f := range found[:min(len(found), maxPlaces)] {
		shown = append(shown, object{
			{"placeID", f.ID}, {"name", f.Name}, {"latitude", f.Latitude}, {"longitude", f.Longitude},
			{"distance", math.Round(f.distance*1000) / 1000},
		})
	}
	return object{}.With(shown != nil, "places", shown), nil
}

// point is somewhere on Earth, in degrees.
type point struct{ latitude, longitude float64 }

// readPoint reads latitude and longitude. One without the other is refused.
func readPoint(p *parameters) (at point, sent bool, err error) {
	for _, part := range []struct {
		name  string
		limit float64
		value *float64
	}{{"latitude", maxLatitude, &at.latitude}, {"longitude", maxLongitude, &at.longitude}} {
		text := strings.TrimSpace(p.get(part.name))
		if text == "" {
			continue
		}
		value, _, err := degreesOf(text, part.limit)
		if err != nil {
			return at, false, invalid(part.name, "it %v", err)
		}
		*part.value = value
	}
	latitude, longitude := strings.TrimSpace(p.get("latitude")) != "", strings.TrimSpace(p.get("longitude")) != ""
	switch {
	case latitude && !longitude:
		return at, false, missing("longitude")
	case longitude && !latitude:
		return at, false, missing("latitude")
	}
	return at, latitude, nil
}

// readRadius reads how far places may be away.
func readRadius(p *parameters) (float64, error) {
	text := strings.TrimSpace(p.get("radius"))
	if text == "" {
		return defaultRadius, nil
	}
	radius, err := strconv.ParseFloat(text, 64)
	if err != nil || !(radius > 0 && radius <= maxRadius) {
		return 0, invalid("radius", "it must be a number of kilometres, more than 0 and at most %d", maxRadius)
	}
	return radius, nil
}

// foundPlace is a place and how far it is.
type foundPlace struct {
	site.Place
	distance float64
}

// near are the places within a radius whose name has the query in it, in any case. The
// nearest come first, and by ID when they are equally far.
func near(places []site.Place, at point, radius float64, query string) []foundPlace {
	query = strings.ToLower(query)
	var found []foundPlace
	for _, p := range places {
		far := distance(at, point{p.Latitude, p.Longitude})
		if far <= radius && strings.Contains(strings.ToLower(p.Name), query) {
			found = append(found, foundPlace{p, far})
		}
	}
	slices.SortFunc(found, func(a, b foundPlace) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(a.ID, b.ID))
	})
	return found
}

// distance is how far two points are from each other along a great circle, by the
// haversine formula.
func distance(a, b point) float64 {
	const earth = 6371 // its mean radius
	rad := func(degrees float64) float64 { return degrees * math.Pi / 180 }
	sin2 := func(x float64) float64 { return math.Sin(x) * math.Sin(x) }
	part := sin2(rad(b.latitude-a.latitude)/2) + math.Cos(rad(a.latitude))*math.Cos(rad(b.latitude))*sin2(rad(b.longitude-a.longitude)/2)
	return 2 * earth * math.Asin(math.Sqrt(min(part, 1))) // rounding may go beyond 1
}

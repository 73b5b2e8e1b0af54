package gigya

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"herald.example/internal/publish"
)

// checkinProviders are the networks that take check-ins, of those that can be
// published to: contract, section 14.
var checkinProviders = []string{"facebook", "twitter"}

// takesCheckins says whether a network takes check-ins.
func takesCheckins(provider string) bool { return slices.Contains(checkinProviders, provider) }

// checkin publishes that a user is at a place of the site's list: contract, section
// 14. The text is the comment, or the name of the place. A point that is sent with it
// is shown instead of the place's own.
func (h *Handler) checkin(ctx context.Context, c *call) (object, error) {
	id := c.parameters.get("placeid")
	if id == "" {
		return nil, missing("placeID")
	}
	at, sent, err := readPoint(c.parameters)
	if err != nil {
		return nil, err
	}
	parts, chosen, err := readUpdate(c, publish.CheckinShare)
	if err != nil {
		return nil, err
	}
	place, found, err := h.findPlace(ctx, c.keys.Site.ID, id)
	switch {
	case err != nil:
		return nil, err
	case !found:
		return nil, invalid("placeID", "the site has no such place; socialize.getPlaces tells those that it has")
	}
	here := &publish.Location{Latitude: place.Latitude, Longitude: place.Longitude, PlaceID: place.ID, Name: place.Name}
	if sent {
		here.Latitude, here.Longitude = at.latitude, at.longitude
	}
	parts.Share.Location = here
	parts.Text = &publish.Text{Body: cmp.Or(strings.TrimSpace(c.parameters.get("comment")), place.Name)}
	s, err := h.scope(ctx, c, chosen, takesCheckins)
	if err != nil {
		return nil, err
	}
	return h.publishTo(ctx, c, s, parts, nil)
}

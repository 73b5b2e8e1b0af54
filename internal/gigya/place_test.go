package gigya

import (
	"fmt"
	"math"
	"testing"
	"testing/synctest"

	"herald.example/internal/site"
)

// springfield is a list of places. The first three are within a kilometre of 10, 20.
var springfield = []site.Place{
	{ID: "hall", Name: "Town Hall", Latitude: 10.005, Longitude: 20},
	{ID: "cafe", Name: "Café Ärger", Latitude: 10.001, Longitude: 20},
	{ID: "cafe-2", Name: "Café & <Co>", Latitude: 10.001, Longitude: 20},
	{ID: "lake", Name: "Lake", Latitude: 10.5, Longitude: 20},
	{ID: "far", Name: "Far Café", Latitude: -10, Longitude: 20},
}

func (h *house) places(places ...site.Place) {
	h.Helper()
	if err := h.directory.SetPlaces(h.Context(), h.site().ID, places); err != nil {
		h.Fatal(err)
	}
}

// TestPlacesReplies holds replies against golden files.
func TestPlacesReplies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.golden("places_no_list", h.call("socialize.getPlaces", "latitude", "10", "longitude", "20"))
		h.places(springfield...)
		h.golden("places", h.call("socialize.getPlaces", "latitude", "10", "longitude", "20").drop("UID"))
		h.golden("places_xml", h.call("socialize.getPlaces", "latitude", "10", "longitude", "20", "query", "CAFÉ", "format", "xml"))
		h.golden("places_not_a_number", h.call("socialize.getPlaces", "latitude", "NaN", "longitude", "20"))
	})
}

func TestPlaces(t *testing.T) {
	h := newHouse(t)
	h.places(springfield...)
	tests := []struct {
		name    string
		pairs   []string
		code    code
		details string
		want    string
	}{
		{"near", nil, codeOK, "", "[cafe cafe-2 hall]"},
		{"nearer", []string{"radius", "0.2"}, codeOK, "", "[cafe cafe-2]"},
		{"farther", []string{"radius", " 100 "}, codeOK, "", "[cafe cafe-2 hall lake]"},
		{"by name", []string{"query", "ärger"}, codeOK, "", "[cafe]"},
		{"by a name that none has", []string{"query", "ärgern"}, codeOK, "", "[]"},
		{"other side of the date line", []string{"longitude", "-180"}, codeOK, "", "[]"},
		{"for networks that take check-ins", []string{"enabledProviders", "facebook,foursquare"}, codeOK, "", "[cafe cafe-2 hall]"},
		{"for others", []string{"enabledProviders", "linkedin"}, codeOK, "", "[]"},
		{"for none", []string{"disabledProviders", "facebook,twitter"}, codeOK, "", "[]"},
		{"what is ignored", []string{"unifyResults", "true"}, codeOK, "", "[cafe cafe-2 hall]"},
		{"no latitude", []string{"latitude", ""}, codeMissing, "latitude", ""},
		{"no longitude", []string{"longitude", " "}, codeMissing, "longitude", ""},
		{"neither", []string{"latitude", "", "longitude", ""}, codeMissing, "latitude", ""},
		{"not a number", []string{"latitude", "NaN"}, codeValue, "latitude", ""},
		{"infinite", []string{"longitude", "Inf"}, codeValue, "longitude", ""},
		{"text", []string{"longitude", "east"}, codeValue, "longitude", ""},
		{"beyond the pole", []string{"latitude", "90.0001"}, codeValue, "latitude", ""},
		{"beyond the other pole", []string{"latitude", "-91"}, codeValue, "latitude", ""},
		{"around the Earth", []string{"longitude", "180.1"}, codeValue, "longitude", ""},
		{"no radius", []string{"radius", "0"}, codeValue, "radius", ""},
		{"a radius that is none", []string{"radius", "NaN"}, codeValue, "radius", ""},
		{"too large a radius", []string{"radius", "500.1"}, codeValue, "radius", ""},
		{"long query", []string{"query", fmt.Sprintf("%257s", "x")}, codeValue, "query", ""},
		{"long cid", []string{"cid", fmt.Sprintf("%101s", "x")}, codeValue, "cid", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			pairs := append([]string{"latitude", "10", "longitude", "20"}, test.pairs...)
			a := h.do(h.call("socialize.getPlaces", pairs...)).want(test.code, test.details)
			if test.code != codeOK {
				return
			}
			ids := []any{}
			places, _ := a.doc["places"].([]any)
			for _, p := range places {
				ids = append(ids, p.(map[string]any)["placeID"])
			}
			if got := fmt.Sprint(ids); got != test.want {
				t.Errorf("got %s; want %s", got, test.want)
			}
		})
	}
}

// TestPlacesAreBounded shows the nearest of many.
func TestPlacesAreBounded(t *testing.T) {
	h := newHouse(t)
	var many []site.Place
	for i := range maxPlaces + 10 {
		many = append(many, site.Place{ID: fmt.Sprint("p", i), Name: "Stop", Latitude: 10 + float64(100-i)/10_000, Longitude: 20})
	}
	h.places(many...)
	a := h.do(h.call("socialize.getPlaces", "latitude", "10", "longitude", "20")).want(codeOK, "")
	places, _ := a.doc["places"].([]any)
	if len(places) != maxPlaces || places[0].(map[string]any)["placeID"] != fmt.Sprint("p", maxPlaces+9) {
		t.Errorf("got %d places: %s; want %d, the nearest first", len(places), a.Body, maxPlaces)
	}
}

func TestDistance(t *testing.T) {
	f := func(a, b point, want float64) {
		t.Helper()
		if got := distance(a, b); math.Abs(got-want) > 0.5 {
			t.Errorf("%v to %v: got %f km; want %f", a, b, got, want)
		}
	}
	f(point{10, 20}, point{10, 20}, 0)
	f(point{0, 0}, point{0, 90}, 10007.5)       // a quarter of the equator
	f(point{0, 0}, point{0, 180}, 20015.1)      // the other side
	f(point{90, 0}, point{-90, 123}, 20015.1)   // pole to pole
	f(point{0, 179.5}, point{0, -179.5}, 111.2) // over the date line
}

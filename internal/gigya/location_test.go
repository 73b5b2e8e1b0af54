package gigya

import (
	"encoding/json"
	"fmt"
	"testing"

	"herald.example/internal/publish"
	"herald.example/internal/site"
)

// TestLocations go to twitter alone.
func TestLocations(t *testing.T) {
	t.Parallel()
	inHouse(t, func(h *house) {
		h.connect("user-42", "facebook", "twitter")
		if err := h.directory.SetPlaces(h.Context(), h.site().ID, []site.Place{{ID: "cafe", Name: "Café Central", Latitude: 48.21, Longitude: 16.365}}); err != nil {
			t.Fatal(err)
		}
		for i, test := range []struct {
			sent string
			want publish.Location
		}{
			{`{"latitude":1.5,"longitude":"-2"}`, publish.Location{Latitude: 1.5, Longitude: -2}},
			{`{"placeID":"cafe"}`, publish.Location{PlaceID: "cafe", Name: "Café Central", Latitude: 48.21, Longitude: 16.365}},
			{`{"placeID":"cafe","latitude":1,"longitude":2}`, publish.Location{PlaceID: "cafe", Name: "Café Central", Latitude: 1, Longitude: 2}},
			{`{"placeID":42}`, publish.Location{PlaceID: "42", NoPoint: true}},
		} {
			c := &call{parameters: new(parameters)}
			c.parameters.names, c.parameters.named = map[string]int{"userlocation": 0}, []values{{spelling: "userLocation", first: test.sent}}
			got, err := readLocation(c)
			if err == nil {
				err = h.handler.locate(h.Context(), h.site().ID, got)
			}
			if err != nil || got == nil || *got != test.want {
				t.Errorf("%s: got %+v, %v; want %+v", test.sent, got, err, test.want)
			}
			h.do(h.action(fmt.Sprintf(`{"title":"Number %d"}`, i), "userLocation", test.sent)).want(codeOK, "")
		}
		located := 0
		for _, p := range h.wantPosts(8) {
			if p.Location != nil {
				located++
				if p.Provider != "twitter" {
					t.Errorf("got %s; want a location on twitter alone", postText(p))
				}
			}
		}
		if located != 4 {
			t.Errorf("got %d posts with a location; want 4", located)
		}
	})
}

// TestCoordinates are numbers of JSON, bare or in quotes.
func TestCoordinates(t *testing.T) {
	f := func(raw string, want float64, given, ok bool) {
		t.Helper()
		got, isGiven, err := coordinate(json.RawMessage(raw), 90)
		if got != want || isGiven != given || (err == nil) != ok {
			t.Errorf("%s: got %v, %v, %v; want %v, %v, fine: %v", raw, got, isGiven, err, want, given, ok)
		}
	}
	f(`90`, 90, true, true)
	f(`-90.0`, -90, true, true)
	f(`" 48.5 "`, 48.5, true, true)
	f(`1e1`, 10, true, true)
	f(``, 0, false, true)
	f(`""`, 0, false, true)
	f(`null`, 0, false, true)
	f(`90.0000001`, 0, false, false)
	f(`"-91"`, 0, false, false)
	f(`1e999`, 0, false, false)
	f(`"NaN"`, 0, false, false)
	f(`"Inf"`, 0, false, false)
	f(`"0x10"`, 0, false, false)
	f(`"1_0"`, 0, false, false)
	f(`"48,5"`, 0, false, false)
	f(`"north"`, 0, false, false)
	f(`"null"`, 0, false, false)
	f(`true`, 0, false, false)
	f(`[1]`, 0, false, false)
	f(`{}`, 0, false, false)
}

package site_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"herald.example/internal/site"
)

// townHall is a place.
func townHall() site.Place {
	return site.Place{ID: "town-hall", Name: "Rathaus <Größe & \"Glanz\">", Latitude: 48.2108, Longitude: 16.3572}
}

// placeTests are about the places of sites.
var placeTests = []directoryTest{
	{"places", func(w *world) {
		s, _ := w.add("shop")
		other, _ := w.add("other")
		got, err := w.Places(w.Context(), s.ID)
		w.want("read none", err, nil)
		w.same("no places", len(got), 0)
		edge := site.Place{ID: strings.Repeat("~", 64), Name: strings.Repeat("ü", 100), Latitude: -90, Longitude: 180}
		list := []site.Place{townHall(), edge, {ID: "0", Name: " ", Latitude: 90, Longitude: -180}}
		w.want("set", w.SetPlaces(w.Context(), s.ID, list), nil)
		for range 2 {
			got, err = w.Places(w.Context(), s.ID)
			w.want("read", err, nil)
			w.same("places", got, list)
			got, err = w.Places(w.Context(), other.ID)
			w.want("read the other's", err, nil)
			w.same("the other's places", len(got), 0)
			w.open()
		}
		w.want("replace", w.SetPlaces(w.Context(), s.ID, list[1:2]), nil)
		got, err = w.Places(w.Context(), s.ID)
		w.want("read", err, nil)
		w.same("places", got, list[1:2])
		w.want("clear", w.SetPlaces(w.Context(), s.ID, nil), nil)
		got, err = w.Places(w.Context(), s.ID)
		w.want("read", err, nil)
		w.same("places after that", len(got), 0)
	}},
	{"the longest list of places", func(w *world) {
		s, _ := w.add("shop")
		list := make([]site.Place, site.MaxPlaces)
		for n := range list {
			list[n] = site.Place{ID: fmt.Sprintf("%064d", n), Name: strings.Repeat("\"", 200), Latitude: -float64(n) / 123457, Longitude: 179.12345678901234}
		}
		w.want("set", w.SetPlaces(w.Context(), s.ID, list), nil)
		got, err := w.Places(w.Context(), s.ID)
		w.want("read", err, nil)
		if !slices.Equal(got, list) {
			w.Errorf("got %d places; want %d as they were set", len(got), len(list))
		}
		w.want("one more", w.SetPlaces(w.Context(), s.ID, append(list, townHall())), site.ErrPlace)
	}},
	{"places that are refused", func(w *world) {
		s, _ := w.add("shop")
		want := []site.Place{townHall()}
		w.want("set", w.SetPlaces(w.Context(), s.ID, want), nil)
		for name, edit := range map[string]func(p *site.Place){
			"no ID":               func(p *site.Place) { p.ID = "" },
			"long ID":             func(p *site.Place) { p.ID = strings.Repeat("a", 65) },
			"ID with a blank":     func(p *site.Place) { p.ID = "town hall" },
			"ID with a comma":     func(p *site.Place) { p.ID = "town,hall" },
			"ID with a tab":       func(p *site.Place) { p.ID = "town\thall" },
			"ID that is deleted":  func(p *site.Place) { p.ID = "\x7f" },
			"ID beyond ASCII":     func(p *site.Place) { p.ID = "größe" },
			"no name":             func(p *site.Place) { p.Name = "" },
			"long name":           func(p *site.Place) { p.Name = strings.Repeat("ü", 101) },
			"name of two lines":   func(p *site.Place) { p.Name = "a\nb" },
			"damaged name":        func(p *site.Place) { p.Name = "a\xff" },
			"too far north":       func(p *site.Place) { p.Latitude = math.Nextafter(90, 91) },
			"too far south":       func(p *site.Place) { p.Latitude = -90.1 },
			"too far east":        func(p *site.Place) { p.Longitude = 180.1 },
			"too far west":        func(p *site.Place) { p.Longitude = math.Nextafter(-180, -181) },
			"latitude of nobody":  func(p *site.Place) { p.Latitude = math.NaN() },
			"longitude of nobody": func(p *site.Place) { p.Longitude = math.NaN() },
			"infinite latitude":   func(p *site.Place) { p.Latitude = math.Inf(1) },
			"infinite longitude":  func(p *site.Place) { p.Longitude = math.Inf(-1) },
			"ID twice":            func(p *site.Place) { p.Name = "another" },
		} {
			bad := townHall()
			edit(&bad)
			err := w.SetPlaces(w.Context(), s.ID, []site.Place{townHall(), bad})
			if w.want(name, err, site.ErrPlace); err != nil && (len(err.Error()) > 300 || strings.Contains(err.Error(), "\n") || !utf8.ValidString(err.Error())) {
				w.Errorf("%s: got %q; want a sentence", name, err)
			}
		}
		got, err := w.Places(w.Context(), s.ID)
		w.want("read", err, nil)
		w.same("places", got, want)
		for _, id := range []string{uuid.NewString(), "", "shop"} {
			w.want("set at no site", w.SetPlaces(w.Context(), id, want), site.ErrNotFound)
			_, err = w.Places(w.Context(), id)
			w.want("read at no site", err, site.ErrNotFound)
		}
	}},
}

package boltstore

import (
	"errors"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"herald.example/internal/site"
)

func TestPlaces(t *testing.T) {
	s, path := newSharing(t)
	places := func(siteID string, want ...site.Place) {
		t.Helper()
		got, err := s.Places(t.Context(), siteID)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("places of %s: %v (-want +got):\n%s", siteID, err, diff)
		}
	}
	put := func(list ...site.Place) {
		t.Helper()
		if err := s.PutPlaces(t.Context(), id('s', 1), list); err != nil {
			t.Fatal(err)
		}
	}
	cafe := site.Place{ID: "1", Name: "Café <b>", Latitude: 47.25, Longitude: -8.5}
	far := site.Place{ID: "2", Name: "far", Latitude: -90, Longitude: math.SmallestNonzeroFloat64}
	places(id('s', 1))
	places("no site")
	put(cafe, far)
	places(id('s', 1), cafe, far)
	put(far)
	s.Close()
	s = reopenSharing(t, path)
	places(id('s', 1), far)
	places(id('s', 2))
	for name, bad := range map[string]float64{"not a number": math.NaN(), "infinite": math.Inf(-1)} {
		err1 := s.PutPlaces(t.Context(), id('s', 1), []site.Place{cafe, {ID: "3", Latitude: bad}})
		err2 := s.PutPlaces(t.Context(), id('s', 1), []site.Place{{ID: "3", Longitude: bad}})
		if !errors.Is(err1, errPlace) || !errors.Is(err2, errPlace) {
			t.Errorf("%s: got %v and %v; want %v", name, err1, err2, errPlace)
		}
	}
	if err := s.PutPlaces(t.Context(), "no site", []site.Place{cafe}); !errors.Is(err, site.ErrNotFound) {
		t.Errorf("no site: got %v; want %v", err, site.ErrNotFound)
	}
	places(id('s', 1), far)
	put()
	places(id('s', 1))
}

package simulated_test

import (
	"slices"
	"strings"
	"testing"

	"herald.example/internal/network/simulated"
	"herald.example/internal/site"
)

// TestPlaces: the list is one that a site could load, and nobody can change it.
func TestPlaces(t *testing.T) {
	places := simulated.Places()
	if err := site.CheckPlaces(places); err != nil || len(places) < 20 {
		t.Errorf("got %d places, %v; want 20 good ones", len(places), err)
	}
	for _, p := range places {
		if !strings.HasPrefix(p.ID, "sim-") || p.Latitude == 0 || p.Longitude == 0 {
			t.Errorf("got %+v; want an ID with sim- and coordinates", p)
		}
	}
	if !slices.IsSortedFunc(places, func(a, b site.Place) int { return strings.Compare(a.Name, b.Name) }) {
		t.Errorf("got %v; want them in the order of their names", places)
	}
	places[0] = site.Place{}
	if again := simulated.Places(); again[0].ID != "sim-acropolis" {
		t.Errorf("after a change of the list: got %+v; want the Acropolis", again[0])
	}
}

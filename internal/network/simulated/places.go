package simulated

import (
	"slices"

	"herald.example/internal/site"
)

// Places returns where users of the simulated network can say they are: some of the
// world's landmarks, in the order of their names. The caller owns the list.
func Places() []site.Place { return slices.Clone(places) }

// places have coordinates to about 100 m.
var places = []site.Place{
	{ID: "sim-acropolis", Name: "Acropolis, Athens", Latitude: 37.972, Longitude: 23.726},
	{ID: "sim-alhambra", Name: "Alhambra, Granada", Latitude: 37.176, Longitude: -3.588},
	{ID: "sim-brandenburg-gate", Name: "Brandenburg Gate, Berlin", Latitude: 52.516, Longitude: 13.378},
	{ID: "sim-burj-khalifa", Name: "Burj Khalifa, Dubai", Latitude: 25.197, Longitude: 55.274},
	{ID: "sim-cn-tower", Name: "CN Tower, Toronto", Latitude: 43.643, Longitude: -79.387},
	{ID: "sim-christ-the-redeemer", Name: "Christ the Redeemer, Rio de Janeiro", Latitude: -22.952, Longitude: -43.211},
	{ID: "sim-colosseum", Name: "Colosseum, Rome", Latitude: 41.890, Longitude: 12.492},
	{ID: "sim-eiffel-tower", Name: "Eiffel Tower, Paris", Latitude: 48.858, Longitude: 2.294},
	{ID: "sim-forbidden-city", Name: "Forbidden City, Beijing", Latitude: 39.917, Longitude: 116.397},
	{ID: "sim-gateway-of-india", Name: "Gateway of India, Mumbai", Latitude: 18.922, Longitude: 72.835},
	{ID: "sim-golden-gate", Name: "Golden Gate Bridge, San Francisco", Latitude: 37.820, Longitude: -122.478},
	{ID: "sim-giza", Name: "Great Pyramid of Giza", Latitude: 29.979, Longitude: 31.134},
	{ID: "sim-hallgrimskirkja", Name: "Hallgrímskirkja, Reykjavík", Latitude: 64.142, Longitude: -21.927},
	{ID: "sim-machu-picchu", Name: "Machu Picchu", Latitude: -13.163, Longitude: -72.545},
	{ID: "sim-red-square", Name: "Red Square, Moscow", Latitude: 55.754, Longitude: 37.620},
	{ID: "sim-sagrada-familia", Name: "Sagrada Família, Barcelona", Latitude: 41.404, Longitude: 2.174},
	{ID: "sim-schoenbrunn", Name: "Schönbrunn Palace, Vienna", Latitude: 48.185, Longitude: 16.312},
	{ID: "sim-shibuya-crossing", Name: "Shibuya Crossing, Tokyo", Latitude: 35.660, Longitude: 139.700},
	{ID: "sim-statue-of-liberty", Name: "Statue of Liberty, New York", Latitude: 40.689, Longitude: -74.045},
	{ID: "sim-sydney-opera-house", Name: "Sydney Opera House", Latitude: -33.857, Longitude: 151.215},
	{ID: "sim-table-mountain", Name: "Table Mountain, Cape Town", Latitude: -33.957, Longitude: 18.403},
	{ID: "sim-tower-bridge", Name: "Tower Bridge, London", Latitude: 51.505, Longitude: -0.075},
}

package gigya

import (
	"strings"
	"testing"
	"testing/synctest"
)

// TestCheckinReplies holds requests, replies and posts against golden files.
func TestCheckinReplies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.places(springfield...)
		h.connect("user-42", "facebook", "twitter", "linkedin")
		h.connect("user-43", "linkedin")
		h.golden("checkin", h.call("socialize.checkin", "placeID", "cafe", "comment", "Cake & <b>tea</b>", "cid", "home page"))
		h.golden("checkin_without_comment", h.call("socialize.checkin", "placeID", "hall", "latitude", "10.004", "longitude", "20", "enabledProviders", "facebook,linkedin"))
		h.golden("checkin_unsupported", h.call("socialize.checkin", "placeID", "cafe", "UID", "user-43"))
		h.golden("checkin_unknown_place", h.call("socialize.checkin", "placeID", "moon"))
	})
}

func TestCheckinRefusals(t *testing.T) {
	h := newHouse(t)
	h.places(springfield...)
	h.connect("user-42", "facebook")
	tests := []struct {
		name    string
		pairs   []string
		code    code
		details string
	}{
		{"no place", []string{"placeID", ""}, codeMissing, "placeID"},
		{"unknown place", []string{"placeID", "moon"}, codeValue, "placeID"},
		{"one coordinate", []string{"latitude", "10"}, codeMissing, "longitude"},
		{"the other coordinate", []string{"longitude", "10"}, codeMissing, "latitude"},
		{"no number", []string{"latitude", "NaN", "longitude", "20"}, codeValue, "latitude"},
		{"out of range", []string{"latitude", "10", "longitude", "-180.5"}, codeValue, "longitude"},
		{"long cid", []string{"cid", strings.Repeat("c", maxCID+1)}, codeValue, "cid"},
		{"unknown user", []string{"UID", "nobody"}, codeUser, ""},
		{"no user", []string{"UID", ""}, codeMissing, "UID"},
		{"not connected", []string{"enabledProviders", "twitter"}, codeUnconnected, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			pairs := append([]string{"placeID", "cafe"}, test.pairs...)
			h.do(h.call("socialize.checkin", pairs...)).want(test.code, test.details)
		})
	}
	h.wantPosts(0)
}

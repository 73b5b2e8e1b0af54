package gigya

import (
	"slices"
	"testing"
	"testing/synctest"
)

// providers are those that user-42 is connected to.
func (h *house) providers(uid string) []string {
	h.Helper()
	p, err := h.directory.UserByUID(h.Context(), h.site().ID, uid)
	if err != nil {
		h.Fatal(err)
	}
	var providers []string
	for _, i := range p.Identities {
		providers = append(providers, i.Provider)
	}
	return providers
}

func TestRemoveConnection(t *testing.T) {
	tests := []struct {
		name    string
		pairs   []string
		code    code
		details string
		left    []string
	}{
		{"one", []string{"provider", "twitter"}, codeOK, "", []string{"facebook"}},
		{"in another case", []string{"provider", "Twitter", "removeLoginID", "true"}, codeOK, "", []string{"facebook"}},
		{"all", nil, codeOK, "", nil},
		{"all, removed", []string{"lastIdentityHandling", "Remove"}, codeOK, "", nil},
		{"all, softly", []string{"lastIdentityHandling", "soft"}, codeOK, "", nil},
		{"all of a user who keeps the last", []string{"lastIdentityHandling", "fail"}, codeNotAllowed, "last connection", []string{"facebook", "twitter"}},
		{"not the last", []string{"lastIdentityHandling", "fail", "provider", "facebook"}, codeOK, "", []string{"twitter"}},
		{"not connected", []string{"provider", "linkedin"}, codeUnconnected, "not connected to linkedin", []string{"facebook", "twitter"}},
		{"no such provider", []string{"provider", "myspace"}, codeUnconnected, "myspace", []string{"facebook", "twitter"}},
		{"unknown handling", []string{"lastIdentityHandling", "keep"}, codeValue, "lastIdentityHandling", []string{"facebook", "twitter"}},
		{"no flag", []string{"removeLoginID", "perhaps"}, codeScalar, "removeLoginID", []string{"facebook", "twitter"}},
	}
	h := newHouse(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h.connect("user-42", "facebook", "twitter")
			h.do(h.call("socialize.removeConnection", test.pairs...)).want(test.code, test.details)
			if got := h.providers("user-42"); !slices.Equal(got, test.left) {
				t.Errorf("got connections to %q; want %q", got, test.left)
			}
			if len(test.left) > 0 {
				h.do(h.call("socialize.removeConnection")).want(codeOK, "")
			}
		})
	}
	h.do(h.call("socialize.removeConnection")).want(codeUnconnected, "no connections")
	h.do(h.call("socialize.removeConnection", "UID", "nobody")).want(codeUser, "")
	h.do(h.call("socialize.removeConnection").drop("UID")).want(codeMissing, "UID")
}

// TestRemoveConnectionReplies holds replies against golden files.
func TestRemoveConnectionReplies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.connect("user-42", "facebook", "twitter")
		h.golden("removeconnection", h.call("socialize.removeConnection", "provider", "facebook"))
		h.golden("removeconnection_not_connected", h.call("socialize.removeConnection", "provider", "facebook"))
		h.golden("removeconnection_last", h.call("socialize.removeConnection", "provider", "twitter", "lastIdentityHandling", "fail"))
	})
}

// TestRemovedConnectionIsUsedNoMore publishes nothing on it.
func TestRemovedConnectionIsUsedNoMore(t *testing.T) {
	h := newHouse(t)
	h.connect("user-42", "facebook")
	h.do(h.call("socialize.removeConnection")).want(codeOK, "")
	h.do(h.call("socialize.setStatus", "status", "Hello")).want(codeUnconnected, "")
	h.wantPosts(0)
}

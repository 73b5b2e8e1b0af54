package gigya

import (
	"strings"
	"testing"
	"testing/synctest"
)

// TestRegistrationReplies holds requests and replies against golden files.
func TestRegistrationReplies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.connect("temp-1", "facebook")
		h.connect("user-42", "twitter")
		h.golden("notifyregistration", h.call("socialize.notifyRegistration", "UID", "temp-1", "siteUID", "user-1"))
		h.golden("setuid_taken", h.call("socialize.setUID", "UID", "user-1", "siteUID", "user-42"))
		h.golden("setuid_xml", h.call("socialize.setUID", "UID", "user-1", "siteUID", "user-2", "format", "xml"))
	})
}

// TestRegistration names a user who came with a network.
func TestRegistration(t *testing.T) {
	h := newHouse(t)
	before, _ := h.do(h.loginCall("providerSessions", `{"facebook":{"authToken":"f1"}}`)).want(codeOK, "").doc["UID"].(string)
	for range 2 { // the second one has the name already
		a := h.do(h.call("socialize.notifyRegistration", "UID", before, "siteUID", "user-1")).want(codeOK, "")
		if len(a.doc) != 5 {
			t.Errorf("got %s; want the envelope alone", a.Body)
		}
		before = "user-1"
	}
	if got := h.providers("user-1"); len(got) != 1 {
		t.Errorf("got connections to %q; want one", got)
	}
	h.do(h.call("socialize.setUID", "UID", "user-1", "siteUID", "user-2")).want(codeOK, "")
	h.do(h.call("socialize.getUserInfo", "UID", "user-1")).want(codeUser, "")
	h.do(h.call("socialize.getUserInfo", "UID", "user-2")).want(codeOK, "")
}

func TestRegistrationRefusals(t *testing.T) {
	h := newHouse(t)
	h.connect("user-42", "facebook")
	h.connect("user-43", "facebook")
	other := h.connect("", "mastodon")
	tests := []struct {
		name    string
		pairs   []string
		code    code
		details string
	}{
		{"no siteUID", []string{"siteUID", ""}, codeMissing, "siteUID"},
		{"no user", []string{"UID", ""}, codeMissing, "UID"},
		{"unknown user", []string{"UID", "nobody"}, codeUser, ""},
		{"long", []string{"siteUID", strings.Repeat("u", maxUID+1)}, codeValue, "siteUID"},
		{"not ASCII", []string{"siteUID", "é"}, codeValue, "siteUID"},
		{"taken", []string{"siteUID", "user-43"}, codeUnique, ""},
		{"the token of another user", []string{"siteUID", other.Token}, codeUnique, ""},
		{"long cid", []string{"cid", strings.Repeat("c", maxCID+1)}, codeValue, "cid"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h.do(h.call("socialize.setUID", append([]string{"siteUID", "user-1"}, test.pairs...)...)).want(test.code, test.details)
		})
	}
	bound := h.call("socialize.setUID", "siteUID", "user-1").authorize("OAuth " + h.token(clientCall().set("x_siteUID", "user-42")))
	bound.secure = true
	h.do(bound).want(codeDenied, "")
}

// TestTokensOfNames gives the name of a user, who has a token and a session, to another
// one: they open nothing of the other user.
func TestTokensOfNames(t *testing.T) {
	tests := []struct {
		name string
		free func(h *house, token string) error // lets go of the name user-1
	}{
		{"named anew", func(h *house, token string) error {
			_, err := h.directory.SetUID(h.Context(), h.site().ID, token, "user-9")
			return err
		}},
		{"deleted", func(h *house, token string) error {
			_, err := h.directory.DeleteUser(h.Context(), h.site().ID, token)
			return err
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := newHouse(t)
			first := h.connect("user-1", "facebook")
			second := h.connect("user-2", "facebook")
			login := h.call("socialize.notifyLogin", "siteUID", "user-1", "targetEnv", "mobile")
			login.secure = true
			tokens := map[string]string{
				"token":   h.token(clientCall().set("x_siteUID", "user-1")),
				"session": h.do(login).want(codeOK, "").doc["sessionToken"].(string),
			}
			use := func(token string) answered {
				r := tokenCall(token).drop("UID")
				r.path = "/socialize.getUserInfo"
				return h.do(r)
			}
			for _, token := range tokens {
				use(token).want(codeOK, "")
			}
			if err := test.free(h, first.Token); err != nil {
				t.Fatal(err)
			}
			for _, token := range tokens {
				use(token).want(codeUser, "")
			}
			if _, err := h.directory.SetUID(h.Context(), h.site().ID, second.Token, "user-1"); err != nil {
				t.Fatal(err)
			}
			for name, token := range tokens {
				if a := use(token); a.doc["errorCode"] != float64(codeToken) {
					t.Errorf("%s: got %s; want errorCode %d", name, a.Body, codeToken)
				}
			}
			use(h.token(clientCall().set("x_siteUID", "user-1"))).want(codeOK, "")
		})
	}
}

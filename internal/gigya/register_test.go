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

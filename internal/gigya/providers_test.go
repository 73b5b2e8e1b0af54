package gigya

import (
	"testing"
	"testing/synctest"
)

// TestProvidersConfigReplies asks with nothing but the API key, and with a signature.
func TestProvidersConfigReplies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		keys := h.keyring[apiKey]
		keys.Site.Simulated = []string{"facebook", "linkedin", "yahoo"}
		h.keyring[apiKey] = keys
		h.golden("providersconfig", withoutProof(h.call("socialize.getProvidersConfig")))
		h.golden("providersconfig_xml", h.call("socialize.getProvidersConfig", "format", "xml"))
		h.golden("providersconfig_unknown_key", withoutProof(h.call("socialize.getProvidersConfig", "apiKey", "3_Unknown")))
		wrong := h.call("socialize.getProvidersConfig")
		wrong.secret = userSecret
		h.do(wrong).want(codeSignature, "")
		keys.Site.Simulated = []string{"*"}
		h.keyring[apiKey] = keys
		if providers := h.do(h.call("socialize.getProvidersConfig")).want(codeOK, "").doc["providers"].([]any); len(providers) < 6 {
			t.Errorf("got %d providers; want all that there are", len(providers))
		}
	})
}

// TestAnonymousCallsAreApart lets nobody who knows the API key use up the calls of the
// site.
func TestAnonymousCallsAreApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.handler.limits = newLimiter(1)
		h.do(withoutProof(h.call("socialize.getProvidersConfig"))).want(codeOK, "")
		h.do(withoutProof(h.call("socialize.getProvidersConfig"))).want(codeRate, "")
		h.do(h.call("socialize.getProvidersConfig")).want(codeOK, "")
		h.do(h.call("socialize.getProvidersConfig")).want(codeRate, "")
	})
}

// withoutProof is a request with nothing but the API key.
func withoutProof(r *request) *request {
	r.secret = ""
	return r.drop("UID").drop("timestamp").drop("nonce")
}

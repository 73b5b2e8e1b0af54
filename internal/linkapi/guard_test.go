package linkapi

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestGuard(t *testing.T) {
	token := strings.Repeat("a", minToken)
	guarded := Guard(token, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "let in") }))
	for _, c := range []struct {
		name, authorization string
		status              int
		body                string
	}{
		{"token", "Bearer " + token, http.StatusOK, "let in"},
		{"none", "", http.StatusUnauthorized, `"unauthorized"`},
		{"wrong", "Bearer " + token + "a", http.StatusUnauthorized, `"unauthorized"`},
		{"no bearer", "Basic " + token, http.StatusUnauthorized, `"unauthorized"`},
		{"empty bearer", "Bearer ", http.StatusUnauthorized, `"unauthorized"`},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Authorization", c.authorization)
		w := httptest.NewRecorder()
		guarded.ServeHTTP(w, r)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.body) {
			t.Errorf("%s: got %d %s; want %d and %s", c.name, w.Code, w.Body, c.status, c.body)
		}
		if got := w.Header().Get("WWW-Authenticate") != ""; got != (c.status == http.StatusUnauthorized) {
			t.Errorf("%s: got a challenge: %t", c.name, got)
		}
	}
}

package control_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"herald.example/internal/control"
)

const token = "0123456789abcdef0123456789abcdef"

func TestTokenFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), control.TokenFile)
	first, err := control.MakeToken(path)
	if err != nil || len(first) != 64 {
		t.Fatalf("make: got %q, %v; want 64 characters", first, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v; want mode 0600", info, err)
	}
	if again, err := control.MakeToken(path); again != first || err != nil {
		t.Errorf("again: got %q, %v; want the same", again, err)
	}
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
		t.Errorf("got %v, %v; want the token's file alone", entries, err)
	}
	for name, content := range map[string]string{
		"empty":       "",
		"short":       "secret\n",
		"two lines":   token + "\n" + token + "\n",
		"not visible": token + "\x00",
	} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := control.MakeToken(path); err == nil || strings.Contains(err.Error(), token) {
			t.Errorf("%s: got %q, %v; want an error without the content", name, got, err)
		}
	}
	if err := os.WriteFile(path, []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if got, err := control.ReadToken(path); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("readable by others: got %q, %v; want an error that says what to do", got, err)
	}
}

func TestGuard(t *testing.T) {
	guarded := control.Guard(token, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "let in") }))
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

package snac

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// back is where the browser would be sent: nobody listens there.
const back = "http://localhost/back"

// login gets a token as an application does, in the place of user and browser.
func (s *Server) login(t *testing.T) {
	t.Helper()
	var app struct {
		ID     string `json:"client_id"`
		Secret string `json:"client_secret"`
	}
	decode(t, s.post(t, "/api/v1/apps", url.Values{"client_name": {"Herald's tests"}, "redirect_uris": {back}, "scopes": {"read write"}}), &app)

	asked := url.Values{"response_type": {"code"}, "client_id": {app.ID}, "redirect_uri": {back}, "scope": {"read write"}, "state": {"state"}}
	response, err := client.Get(s.URL + "/oauth/authorize?" + asked.Encode())
	if err != nil {
		t.Fatalf("authorize: %v", err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("authorize: got status %d; want a form", response.StatusCode)
	}

	answer := s.post(t, "/oauth/x-snac-login", url.Values{"login": {s.Name}, "passwd": {s.password}, "redir": {back}, "cid": {app.ID}, "state": {"state"}})
	to, err := url.Parse(answer.location)
	if err != nil || answer.status != http.StatusSeeOther || to.Query().Get("code") == "" || to.Query().Get("state") != "state" {
		t.Fatalf("login: got status %d to %q; want a redirect with a code", answer.status, answer.location)
	}

	var given struct {
		Token string `json:"access_token"`
	}
	decode(t, s.post(t, "/oauth/token", url.Values{"grant_type": {"authorization_code"}, "code": {to.Query().Get("code")},
		"client_id": {app.ID}, "client_secret": {app.Secret}, "redirect_uri": {back}}), &given)
	s.Token = given.Token

	var account struct {
		ID string `json:"id"`
	}
	s.api(t, "/api/v1/accounts/verify_credentials", &account)
	s.id = account.ID
	if s.Token == "" || s.id == "" {
		t.Fatalf("got token of %d bytes, account %q; want both", len(s.Token), s.id)
	}
}

// answer is what the server answered.
type answer struct {
	status   int
	location string
	body     []byte
}

// post sends a form.
func (s *Server) post(t *testing.T, path string, form url.Values) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return do(t, r)
}

// api reads something as the user.
func (s *Server) api(t *testing.T, path string, into any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.Token)
	decode(t, do(t, r), into)
}

// page reads something as a stranger.
func page(t *testing.T, at string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, at, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html")
	a := do(t, r)
	if a.status != http.StatusOK {
		t.Fatalf("%s: got status %d; want a page", at, a.status)
	}
	return string(a.body)
}

func do(t *testing.T, r *http.Request) answer {
	t.Helper()
	response, err := client.Do(r)
	if err != nil {
		t.Fatalf("%s %s: %v", r.Method, r.URL.Path, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 64<<20))
	if err != nil {
		t.Fatalf("%s %s: %v", r.Method, r.URL.Path, err)
	}
	return answer{response.StatusCode, response.Header.Get("Location"), body}
}

func decode(t *testing.T, a answer, into any) {
	t.Helper()
	err := json.Unmarshal(a.body, into)
	if a.status != http.StatusOK {
		err = fmt.Errorf("status %d", a.status)
	}
	if err != nil {
		t.Fatalf("answer of snac: %v\n%s", err, a.body)
	}
}

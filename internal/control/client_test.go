package control_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"herald.example/internal/control"
)

// errAway is the room's error for a server that does not answer.
var errAway = errors.New("the room is away")

// newClient is a client of the room's interface at addr.
func newClient(t *testing.T, addr string) *control.Client {
	t.Helper()
	client, err := control.NewClient[refusal](addr, token, control.Server{Name: "a room", Unavailable: errAway, MaxAnswer: 100})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func TestClient(t *testing.T) {
	server := httptest.NewServer(newHandler(slog.New(slog.DiscardHandler)))
	defer server.Close()
	client := newClient(t, server.URL+"/")
	var answer struct{ URL string }
	if err := client.Call(t.Context(), http.MethodGet, "/things/a", nil, &answer); err != nil || answer.URL != "https://example.com/?a=b&c=a" {
		t.Errorf("got %+v, %v; want what the server says", answer, err)
	}
	if err := client.Call(t.Context(), http.MethodDelete, "/things/a", nil, nil); err != nil {
		t.Errorf("an answer without a body: got %v; want nil", err)
	}
	if err := client.Call(t.Context(), http.MethodGet, "/things/"+strings.Repeat("a", 100), nil, &answer); err == nil {
		t.Error("an answer that is too long: got nil; want an error")
	}
	err := client.Call(t.Context(), http.MethodGet, "/things/taken", nil, &answer)
	if refused, ok := errors.AsType[hinted](err); !ok || !errors.Is(err, errTaken) || refused.hint != "choose another" || err.Error() != "get taken: taken" {
		t.Errorf("got %#v; want the refusal with its hint", err)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := client.Call(cancelled, http.MethodGet, "/things/a", nil, &answer); !errors.Is(err, context.Canceled) || errors.Is(err, errAway) {
		t.Errorf("given up: got %v; want context.Canceled alone", err)
	}
}

func TestClientOfNobody(t *testing.T) {
	err := newClient(t, "unix:"+t.TempDir()+"/none").Call(t.Context(), http.MethodGet, "/", nil, nil)
	if !errors.Is(err, errAway) || strings.Contains(err.Error(), "http://") {
		t.Errorf("got %v; want the room's error, without a URL", err)
	}
	for _, addr := range []string{"8081", "", "http://"} {
		if _, err := control.NewClient[refusal](addr, token, control.Server{}); err == nil || !strings.Contains(err.Error(), "host:port") {
			t.Errorf("%q: got %v; want to be told of host:port", addr, err)
		}
	}
}

// TestClientAgainstOthers: what answers without being our server is said.
func TestClientAgainstOthers(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		body   string
		want   error // nil: any
	}{
		{"another server", 200, "<html>", nil},
		{"another server's refusal", 404, "not here", errAway},
		{"another server's JSON", 404, `{"error":{"message":"not here"}}`, errAway},
		{"a redirect", 302, "", errAway},
		{"a code of a later version", 418, `{"error":{"code":"teapot","message":"later"}}`, control.ErrInternal},
	} {
		t.Run(c.name, func(t *testing.T) {
			asked := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				asked++
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.body))
			}))
			defer server.Close()
			var answer struct{}
			err := newClient(t, server.URL).Call(t.Context(), http.MethodGet, "/things/a", nil, &answer)
			if err == nil || asked != 1 || c.want != nil && !errors.Is(err, c.want) || strings.Contains(err.Error(), token) {
				t.Errorf("got %v after %d requests; want %v after one", err, asked, c.want)
			}
		})
	}
}

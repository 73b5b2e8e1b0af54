package bluesky_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"herald.example/internal/network"
	"herald.example/internal/network/bluesky"
	"herald.example/internal/network/bluesky/double"
	"herald.example/internal/network/contract"
	"herald.example/internal/publish"
	"herald.example/internal/publish/render"
	"herald.example/internal/site"
)

// words is a post of text.
func words(text string) render.Post {
	return render.Post{Key: uuid.NewString(), Created: time.Now().UnixMilli(), Text: text}
}

// wantKind checks the kind of a refusal, and returns what it says.
func wantKind(t *testing.T, err error, want publish.Kind) publish.Error {
	t.Helper()
	e, ok := errors.AsType[*publish.Error](err)
	if !ok || e.Kind != want {
		t.Fatalf("got %v; want %s", err, want)
	}
	return *e
}

// TestExpiredSessions walks a session to its end: its access token, its refresh
// token, and then the app password.
func TestExpiredSessions(t *testing.T) {
	onServers(t, func(t *testing.T, s server) {
		n := adapter(t, nil)
		handle := newHandle()
		did, password := s.newAccount(t, handle)
		who := introduce(t, n, s.url, handle, password)
		if left := time.Until(who.Credentials.Expires); left < time.Hour || left > 3*time.Hour {
			t.Errorf("got a session that ends in %v; want about two hours", left)
		}
		past := time.Now().Add(-time.Minute)

		// The access token has ended, and is refreshed.
		who.Credentials.Access = s.sign(t, did, "", past)
		_, err := n.Post(t.Context(), who, words("too late"))
		wantKind(t, err, publish.AuthExpired)
		before := who.Credentials
		who.Credentials, err = n.Refresh(t.Context(), who)
		if err != nil {
			t.Fatalf("refresh: %v", err)
		}
		if c := who.Credentials; c.Access == before.Access || c.Refresh == before.Refresh || c.Secret != before.Secret {
			t.Error("got the same tokens or another app password; want new tokens, the same app password")
		}
		if _, err := n.Post(t.Context(), who, words("in time")); err != nil {
			t.Errorf("post after the refresh: %v", err)
		}

		// The answer of a refresh was lost: the old refresh token works once more.
		again := who
		again.Credentials = before
		if _, err := n.Refresh(t.Context(), again); err != nil {
			t.Errorf("refresh again, within the grace: %v", err)
		}

		// The refresh token has ended, too: the app password makes another session.
		for name, refresh := range map[string]site.Secret{
			"ended":   s.sign(t, did, "some-id", past),
			"revoked": s.sign(t, did, "some-id", time.Now().Add(time.Hour)),
			"garbage": "abc.def.ghi",
			"missing": "",
		} {
			ended := who
			ended.Credentials.Refresh = refresh
			fresh, err := n.Refresh(t.Context(), ended)
			if err != nil || fresh.Refresh == refresh || fresh.Secret != who.Credentials.Secret {
				t.Errorf("%s: got error %v; want a new session by the app password", name, err)
			}
			ended.Credentials.Secret = ""
			_, err = n.Refresh(t.Context(), ended)
			wantKind(t, err, publish.AuthRevoked)
		}

		// And the app password is void.
		s.revoke(t, did)
		who.Credentials.Refresh = s.sign(t, did, "some-id", past)
		_, err = n.Refresh(t.Context(), who)
		wantKind(t, err, publish.AuthRevoked)
	})
}

// TestSessionsAreKept shows that nobody logs in for a post or for a refresh.
func TestSessionsAreKept(t *testing.T) {
	s := double.New(t)
	did := s.AddAccount("alice.test", "abcd-efgh")
	n := adapter(t, nil)
	who := introduce(t, n, s.URL(), "alice.test", "abcd-efgh")
	for range 5 {
		if _, err := n.Post(t.Context(), who, words("again")); err != nil {
			t.Fatal(err)
		}
		s.Advance(3 * time.Hour)
		_, err := n.Post(t.Context(), who, words("too late"))
		wantKind(t, err, publish.AuthExpired)
		if who.Credentials, err = n.Refresh(t.Context(), who); err != nil {
			t.Fatal(err)
		}
	}
	logins := 0
	for _, line := range s.Transcript() {
		if strings.Contains(line, "createSession") {
			logins++
		}
	}
	if logins != 1 || len(s.Posts(did)) != 5 {
		t.Errorf("got %d logins and %d posts; want 1 and 5", logins, len(s.Posts(did)))
	}

	// The refresh tokens end after 90 days without a post, or when the user says so.
	s.Advance(91 * 24 * time.Hour)
	var err error
	if who.Credentials, err = n.Refresh(t.Context(), who); err != nil {
		t.Fatal(err)
	}
	s.Revoke(did)
	if who.Credentials, err = n.Refresh(t.Context(), who); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Post(t.Context(), who, words("here again")); err != nil {
		t.Fatal(err)
	}
}

// TestLoginsAreFew shows that a password that is wrong is not tried for ever.
func TestLoginsAreFew(t *testing.T) {
	s := double.New(t)
	s.AddAccount("alice.test", "abcd-efgh")
	now := time.Unix(1_795_600_000, 0)
	n := adapter(t, func() time.Time { return now })
	who := site.Opened{Account: site.Account{Server: s.URL(), Name: "alice.test"}, Credentials: site.Credentials{Secret: "wrong-password"}}
	for range 10 {
		_, _, _, err := n.Introduce(t.Context(), who)
		wantKind(t, err, publish.AuthRevoked)
	}
	asked := len(s.Transcript())
	_, _, _, err := n.Introduce(t.Context(), who)
	if e := wantKind(t, err, publish.RateLimited); e.RetryAfter != 5*time.Minute {
		t.Errorf("got a wait of %v; want 5m", e.RetryAfter)
	}
	if got := len(s.Transcript()); got != asked {
		t.Errorf("got %d more calls; want none", got-asked)
	}
	now = now.Add(5 * time.Minute)
	_, _, _, err = n.Introduce(t.Context(), who)
	wantKind(t, err, publish.AuthRevoked)
}

// TestLoginLimit runs into the server's own limit.
func TestLoginLimit(t *testing.T) {
	onServers(t, func(t *testing.T, s server) {
		handle := newHandle() // of nobody: the server counts before it looks
		transport := afar{loopback(t)}
		var group sync.WaitGroup
		for range 30 {
			group.Go(func() {
				got := s.callBy(t, transport, http.MethodPost, "com.atproto.server.createSession", "", "application/json", map[string]string{"identifier": handle, "password": "wrong"})
				if got.Status != http.StatusUnauthorized {
					t.Errorf("got %+v; want status 401", got)
				}
			})
		}
		group.Wait()
		who := site.Opened{Account: site.Account{Server: s.url, Name: "@" + handle}, Credentials: site.Credentials{Secret: "wrong-password"}}
		_, _, _, err := bluesky.New(network.NewClient(transport), time.Now).Introduce(t.Context(), who)
		if e := wantKind(t, err, publish.RateLimited); e.RetryAfter <= 0 || e.RetryAfter > 5*time.Minute || e.Status != http.StatusTooManyRequests {
			t.Errorf("got a wait of %v, status %d; want at most 5m, 429", e.RetryAfter, e.Status)
		}
	})
}

func TestIntroduce(t *testing.T) {
	onServers(t, func(t *testing.T, s server) {
		n := adapter(t, nil)
		handle := newHandle()
		did, password := s.newAccount(t, handle)
		full := introduce(t, n, s.url, handle, password)
		if a := full.Account; a.ID != did || a.Name != handle || a.URL != "https://bsky.app/profile/"+did || a.Server == "" {
			t.Errorf("got account %+v; want %s, %s", a, did, handle)
		}
		past := s.sign(t, did, "", time.Now().Add(-time.Minute))
		stranger, _ := s.newAccount(t, newHandle())
		tests := []struct {
			name        string
			account     site.Account
			credentials site.Credentials
			want        publish.Kind // empty: the account
		}{
			{"app password and DID", site.Account{ID: did}, site.Credentials{Secret: site.Secret(password)}, ""},
			{"app password and @handle", site.Account{Name: "@" + handle}, site.Credentials{Secret: site.Secret(password)}, ""},
			{"app password alone", site.Account{}, site.Credentials{Secret: site.Secret(password)}, publish.TargetMissing},
			{"wrong app password", site.Account{Name: handle}, site.Credentials{Secret: "xxxx-xxxx"}, publish.AuthRevoked},
			{"access token", site.Account{}, site.Credentials{Access: full.Credentials.Access}, ""},
			{"refresh token", site.Account{}, site.Credentials{Refresh: full.Credentials.Refresh}, ""},
			{"access token that has ended, and refresh token", site.Account{}, site.Credentials{Access: past, Refresh: full.Credentials.Refresh}, ""},
			{"access token that has ended, and app password", site.Account{Name: handle}, site.Credentials{Access: past, Secret: site.Secret(password)}, ""},
			{"access token that has ended", site.Account{}, site.Credentials{Access: past}, publish.AuthRevoked},
			{"garbage", site.Account{}, site.Credentials{Access: "garbage"}, publish.AuthRevoked},
			{"nothing", site.Account{Name: handle}, site.Credentials{}, publish.AuthRevoked},
			{"another account", site.Account{ID: stranger}, site.Credentials{Access: full.Credentials.Access}, publish.TargetMissing},
		}
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				test.account.Server = s.url
				account, profile, credentials, err := n.Introduce(t.Context(), site.Opened{Account: test.account, Credentials: test.credentials})
				if test.want != "" {
					wantKind(t, err, test.want)
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				if account != full.Account || profile.Username != handle || credentials.Access == "" || credentials.Expires.IsZero() || credentials.Secret != test.credentials.Secret {
					t.Errorf("got account %+v, profile %+v, an access token: %v, until %v; want %+v and its session", account, profile, credentials.Access != "", credentials.Expires, full.Account)
				}
			})
		}
	})
}

func TestIntroduceReadsTheProfile(t *testing.T) {
	s := double.New(t)
	did := s.AddAccount("alice.test", "abcd-efgh")
	s.SetProfile(did, "Alice  Ämsler", "Writes.\nReads.")
	_, got, _, err := adapter(t, nil).Introduce(t.Context(), site.Opened{Account: site.Account{Server: s.URL() + "/", ID: did}, Credentials: site.Credentials{Secret: "abcd-efgh"}})
	if err != nil || got.Username != "alice.test" || got.DisplayName != "Alice Ämsler" || got.About != "Writes. Reads." || got.Email != "alice.test@mail.test" {
		t.Errorf("got %+v, error %v; want Alice's profile", got, err)
	}
}

// TestServers shows which servers an account may name.
func TestServers(t *testing.T) {
	n := adapter(t, nil)
	for _, server := range []string{"ftp://pds.example", "pds.example", "https://", "https://user:pw@pds.example", "https://pds.example/xrpc", "https://pds.example?a=1", "https://pds.example#a", "https://[::1", "https://a/" + strings.Repeat("/", 600)} {
		who := site.Opened{Account: site.Account{ID: "did:plc:x", Server: server}, Credentials: site.Credentials{Access: "a.b.c", Secret: "abcd-efgh"}}
		_, err := n.Post(t.Context(), who, words("nowhere"))
		wantKind(t, err, publish.TargetMissing)
		_, err = n.Refresh(t.Context(), who)
		wantKind(t, err, publish.TargetMissing)
	}
}

// TestBadSessions shows that what a server says is looked at before it is kept.
func TestBadSessions(t *testing.T) {
	s := double.New(t)
	did := s.AddAccount("alice.test", "abcd-efgh")
	n := adapter(t, nil)
	who := introduce(t, n, s.URL(), "alice.test", "abcd-efgh")
	const good = `{"accessJwt":%q,"refreshJwt":%q,"did":%q,"handle":%q,"didDoc":{"service":[{"id":"#atproto_pds","serviceEndpoint":%q}]}}`
	home := who.Account.Server
	tests := []struct {
		name string
		body string
		want publish.Kind // empty: it is taken
	}{
		{"as it should be", fmt.Sprintf(good, "a.b.c", "d.e.f", did, "alice.test", home), ""},
		{"a line break in a token", fmt.Sprintf(good, "a.b.c\r\nHost: evil", "d.e.f", did, "alice.test", home), publish.Transient},
		{"an endless token", fmt.Sprintf(good, strings.Repeat("a", 9000), "d.e.f", did, "alice.test", home), publish.Transient},
		{"no refresh token", fmt.Sprintf(good, "a.b.c", "", did, "alice.test", home), publish.Transient},
		{"no DID", fmt.Sprintf(good, "a.b.c", "d.e.f", "alice", "alice.test", home), publish.Transient},
		{"another's DID", fmt.Sprintf(good, "a.b.c", "d.e.f", "did:plc:bob", "bob.test", home), publish.TargetMissing},
		{"a page", "<html>", publish.Transient},
		{"another thing", "[]", publish.Transient},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			defer s.Faults.Reset()
			s.Fault(contract.Fault{Call: "POST /xrpc/com.atproto.server.refreshSession", Body: test.body})
			fresh, err := n.Refresh(t.Context(), who)
			if test.want != "" {
				wantKind(t, err, test.want)
			} else if err != nil || fresh.Access != "a.b.c" || fresh.Refresh != "d.e.f" {
				t.Errorf("got error %v; want the new tokens", err)
			}
		})
	}
	for _, act := range []contract.Act{contract.Close, contract.Half, contract.Endless} {
		s.Fault(contract.Fault{Call: "POST /xrpc/com.atproto.server.refreshSession", Act: act, Lands: act != contract.Close})
		_, err := n.Refresh(t.Context(), who)
		wantKind(t, err, publish.Transient)
	}
	if _, err := n.Refresh(t.Context(), who); err != nil {
		t.Errorf("got %v after answers were lost; want the grace of the refresh token", err)
	}
}

// TestHome shows that a login by a front door leads to the account's own server,
// and that a front door with https cannot lead to one without.
func TestHome(t *testing.T) {
	s := double.New(t)
	did := s.AddAccount("alice.test", "abcd-efgh")
	n := adapter(t, nil)
	who := introduce(t, n, s.URL(), "alice.test", "abcd-efgh")
	for endpoint, want := range map[string]string{
		"https://home.example":       "https://home.example",
		"http://home.example":        "http://home.example", // the front door is in clear, too
		"https://home.example/path":  s.URL(),
		"file:///etc/passwd":         s.URL(),
		"https://me:pw@home.example": s.URL(),
	} {
		s.Fault(contract.Fault{Call: "GET /xrpc/com.atproto.server.getSession", Body: fmt.Sprintf(`{"did":%q,"handle":"alice.test","didDoc":{"service":[{"id":%q,"serviceEndpoint":%q}]}}`, did, did+"#atproto_pds", endpoint)})
		account, _, _, err := n.Introduce(t.Context(), who)
		if err != nil || account.Server != want {
			t.Errorf("%s: got server %q, error %v; want %q", endpoint, account.Server, err, want)
		}
	}
}

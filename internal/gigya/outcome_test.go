package gigya

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"herald.example/internal/publish"
	"herald.example/internal/site"
)

// TestRefusalCodes gives every kind of refusal its code: contract, section 10.
func TestRefusalCodes(t *testing.T) {
	t.Parallel()
	want := map[publish.Kind]code{
		publish.AuthExpired: 403009, publish.AuthRevoked: 403009, publish.PermissionMissing: 403022, publish.AccountRestricted: 500023,
		publish.RateLimited: 403024, publish.QuotaExhausted: 403024, publish.Duplicate: 403024, publish.SpamBlocked: 403024,
		publish.ContentRejected: 500023, publish.TextInvalid: 500023, publish.MediaInvalid: 401001, publish.LinkInvalid: 500023,
		publish.TargetMissing: 500023, publish.AppMisconfigured: 400122, publish.Unsupported: 400096, publish.Transient: 500026, publish.UnknownOutcome: 504002,
	}
	inHouse(t, func(h *house) {
		for _, kind := range publish.Kinds {
			uid := "user of " + string(kind)
			provider := "facebook"
			if kind == publish.UnknownOutcome {
				provider = "linkedin" // where nobody can ask what became of it
			}
			h.connect(uid, provider+"#simulate:"+string(kind))
			a := h.do(h.action(hello, "UID", uid))
			a.want(want[kind], provider+": ")
			entries, _ := a.doc["providerErrorCodes"].([]any)
			if len(entries) != 1 || a.doc["providerPostIDs"] != nil {
				t.Fatalf("%s: got %s; want one entry and no post", kind, a.Body)
			}
			entry := entries[0].(map[string]any)
			details := entry["errorDetails"].(string)
			if entry["errorCode"] != float64(want[kind]) || entry["errorMessage"] != want[kind].name() || a.doc["errorDetails"] != provider+": "+details {
				t.Errorf("%s: got entry %v, details %v; want code %d, its name, and the details of the entry at the top", kind, entry, a.doc["errorDetails"], want[kind])
			}
		}
	})
}

// TestNeverRepeatedCodes holds the codes of outcomes against those that real clients
// repeat by themselves.
func TestNeverRepeatedCodes(t *testing.T) {
	for _, kind := range publish.Kinds {
		switch c, found := kindCodes[kind]; {
		case !found:
			t.Errorf("%s: got no code", kind)
		case c == 500001, c == 504001, c == 409030, c == 403002, c.name() == "":
			t.Errorf("%s: got %d %q; want one that is not repeated, with a name", kind, c, c.name())
		}
	}
}

// TestSlowNetwork answers while a network does not, and tells that the post may still
// come.
func TestSlowNetwork(t *testing.T) {
	t.Parallel()
	inHouse(t, func(h *house) {
		h.connect("user-42", "facebook#simulate:slow=20s", "twitter#simulate:slow=20s")
		began := time.Now()
		a := h.do(h.action(hello)).want(codeTimeout, "may still go out")
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("got a reply after %v; want 10 s", took)
		}
		if got, want := a.Header().Get("Date"), h.handler.o.Now().UTC().Format(http.TimeFormat); got != want {
			t.Errorf("got Date %s; want %s, when the reply is sent: clients set their clocks by it", got, want)
		}
		time.Sleep(15 * time.Second)
		h.wantPosts(2)
	})
	inHouse(t, func(h *house) {
		h.connect("user-42", "facebook#simulate:slow=20s", "twitter")
		a := h.do(h.action(hello)).want(codeOK, "")
		if !strings.Contains(a.Body.String(), `{"provider":"facebook","errorCode":504002,`) || !strings.Contains(a.Body.String(), `"providerPostIDs":{"twitter":"`) {
			t.Errorf("got %s; want twitter's post and facebook's time-out", a.Body)
		}
	})
}

// TestSeveralIdentities with one provider make one entry.
func TestSeveralIdentities(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		accounts map[string]string // and their directives
		want     code
	}{
		{"one succeeds", map[string]string{"a": "#simulate:revoked", "b": "", "c": "#simulate:refused"}, codeOK},
		{"one may succeed", map[string]string{"a": "#simulate:revoked", "b": "#simulate:slow=20s"}, codeTimeout},
		{"none succeeds", map[string]string{"a": "#simulate:revoked", "b": "#simulate:expired"}, codeSession},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			inHouse(t, func(h *house) {
				for account, directive := range test.accounts {
					h.login("user-42", "facebook", account, directive)
				}
				a := h.do(h.action(hello)).want(test.want, "")
				if n := strings.Count(a.Body.String(), `"provider":"facebook"`); n != 1 {
					t.Errorf("got %s; want one entry", a.Body)
				}
			})
		})
	}
}

// TestRepeats: who repeats a call within a minute hears of a duplicate, and nothing is
// posted twice. A call that failed may be repeated at once: contract, section 17, no. 22.
func TestRepeats(t *testing.T) {
	t.Parallel()
	inHouse(t, func(h *house) {
		h.connect("user-42", "facebook", "twitter")
		h.do(h.action(hello)).want(codeOK, "")
		a := h.do(h.action(hello)).want(codeLimit, "facebook: Limit reached: ")
		if n := strings.Count(a.Body.String(), `"errorCode":403024`); n != 3 {
			t.Errorf("got %s; want 403024 at the top and for both", a.Body)
		}
		h.wantPosts(2)

		// For one provider another action, which is no duplicate.
		a = h.do(h.action(hello, "twitterUserAction", `{"title":"Hello, friends"}`)).want(codeOK, "")
		if !strings.Contains(a.Body.String(), `"providerPostIDs":{"twitter":`) {
			t.Errorf("got %s; want a post on twitter alone", a.Body)
		}
		h.wantPosts(3)

		time.Sleep(59 * time.Second)
		h.do(h.action(hello, "enabledProviders", "facebook")).want(codeLimit, "")
		time.Sleep(2 * time.Second)
		h.do(h.action(hello, "enabledProviders", "facebook")).want(codeOK, "")
		h.wantPosts(4)
	})
	inHouse(t, func(h *house) {
		h.connect("user-42", "facebook#simulate:transient*1")
		h.do(h.action(hello)).want(codeNetwork, "")
		h.do(h.action(hello)).want(codeOK, "")
		h.do(h.action(hello)).want(codeLimit, "")
		h.wantPosts(1)
	})
}

// TestRepeatAfterTimeout is what the Node client does: it repeats until it is answered
// what it wants to hear.
func TestRepeatAfterTimeout(t *testing.T) {
	t.Parallel()
	inHouse(t, func(h *house) {
		h.connect("user-42", "facebook#simulate:slow=25s")
		h.do(h.action(hello)).want(codeTimeout, "may still go out")
		for range 5 {
			time.Sleep(5 * time.Second)
			h.do(h.action(hello)).want(codeLimit, "duplicate")
		}
		h.wantPosts(1)
	})
}

// TestCallerGoesAway: what was accepted is published all the same.
func TestCallerGoesAway(t *testing.T) {
	t.Parallel()
	inHouse(t, func(h *house) {
		h.connect("user-42", "facebook#simulate:slow=5s")
		r := h.action(hello)
		q := httptest.NewRequest(r.verb, r.path, strings.NewReader(r.form()))
		q.Host = r.host
		ctx, cancel := context.WithTimeout(q.Context(), time.Second)
		defer cancel()
		a := httptest.NewRecorder()
		h.handler.ServeHTTP(a, q.WithContext(ctx))
		if !strings.Contains(a.Body.String(), `"errorCode":504002,`) {
			t.Errorf("got %s; want 504002", a.Body)
		}
		time.Sleep(10 * time.Second)
		h.wantPosts(1)
		if _, publications := h.message(); publications[0].State != publish.Published {
			t.Errorf("got state %s; want it published", publications[0].State)
		}
	})
}

// TestStoreFails: it is our failure, which clients do not repeat by themselves.
func TestStoreFails(t *testing.T) {
	t.Parallel()
	inHouse(t, func(h *house) {
		h.connect("user-42", "facebook")
		for _, test := range []struct {
			err     error
			details string
		}{
			{errors.New("disk is broken"), "callId"},
			{site.ErrSealed, "callId"},
			{fmt.Errorf("write: %w", syscall.ENOSPC), "no room"},
			{fmt.Errorf("%w: no bases", publish.ErrUnavailable), "shortener"},
		} {
			h.handler.o.Publisher = refusing{h.publisher, test.err}
			h.do(h.action(hello)).want(codeInternal, test.details)
			if !strings.Contains(h.log.String(), test.err.Error()) {
				t.Errorf("got log %q; want %v in it", h.log, test.err)
			}
		}
		h.handler.o.Publisher = refusing{h.publisher, fmt.Errorf("%w: text.body: too bad", publish.ErrParts)}
		h.do(h.action(hello)).want(codeValue, "text.body: too bad")
	})
}

// refusing is a publisher that accepts nothing.
type refusing struct {
	Publisher
	err error
}

func (f refusing) Publish(context.Context, publish.Request) (publish.Round, error) {
	return publish.Round{}, f.err
}

// TestDeletedUser: the user was there when the call came, and is not when it publishes.
func TestDeletedUser(t *testing.T) {
	t.Parallel()
	inHouse(t, func(h *house) {
		p := h.connect("user-42", "facebook")
		h.handler.o.Directory = ghosts{h.handler.o.Directory, p}
		if _, err := h.directory.DeleteUser(h.Context(), h.site().ID, p.Token); err != nil {
			t.Fatal(err)
		}
		h.do(h.action(hello)).want(codeUser, "deleted")
	})
}

// ghosts is a directory that still knows somebody.
type ghosts struct {
	Directory
	person site.Person
}

func (g ghosts) UserByUID(_ context.Context, _, _ string) (site.Person, error) { return g.person, nil }

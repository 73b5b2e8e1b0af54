package oneall

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestBodiesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBodies(100)
		take := func(site string, n int64) func() {
			t.Helper()
			release, err := b.take(t.Context(), site, n)
			if err != nil {
				t.Fatalf("take %d bytes for %s: got %v; want nil", n, site, err)
			}
			return release
		}
		refused := func(site string, n int64) {
			t.Helper()
			began := time.Now()
			_, err := b.take(t.Context(), site, n)
			if retry, found := errors.AsType[*retryError](err); !errors.Is(err, errBusy) || !found || retry.after <= 0 {
				t.Fatalf("take %d bytes for %s: got %v; want %v, with a time to come back", n, site, err, errBusy)
			}
			if waited := time.Since(began); waited != bodyWait {
				t.Fatalf("it waited %v; want %v", waited, bodyWait)
			}
		}
		one := take("a", 30)
		refused("a", 21) // more than half for one site
		take("a", 20)
		two := take("b", 50)
		refused("c", 1) // more than all
		time.AfterFunc(bodyWait/2, func() { one(); one() })
		take("a", 30)() // who waits gets what is released
		two()
		take("c", 50)
		refused("c", 1)
		take("b", 20)
	})
}

func TestBodiesOfCallersThatGo(t *testing.T) {
	b := newBodies(10)
	ctx, gone := context.WithCancel(t.Context())
	gone()
	if _, err := b.take(ctx, "a", 6); !errors.Is(err, context.Canceled) {
		t.Errorf("take: got %v; want %v", err, context.Canceled)
	}
}

// TestLargeBodies holds all the room for large bodies, and finds that small ones do
// not care, that large ones are refused, and that the room comes back.
func TestLargeBodies(t *testing.T) {
	w := newWorld(t)
	u := w.user("twitter")
	text := fmt.Sprintf(`{"request":{"sharing_message":{"publish_for_user":{"user_token":%q,"providers":["twitter"]},"parts":{"text":{"body":"Hello"}}}}}`, u.Token)
	large := text + strings.Repeat(" ", smallBody)
	unsaid := func(r *http.Request) { r.ContentLength = -1 }
	bodies := w.handler.large
	var releases []func()
	for _, site := range []string{"other", w.site.ID} {
		release, err := bodies.take(t.Context(), site, bodies.share)
		if err != nil {
			t.Fatal(err)
		}
		releases = append(releases, release)
	}
	bodies.wait = time.Millisecond
	for _, options := range [][]func(*http.Request){nil, {unsaid}} {
		w.do("POST", "/sharing/messages.json", text, options...).want(200, "")
		got := w.do("POST", "/sharing/messages.json", large, options...).want(503, "The server holds as many large requests as it can")
		if after := got.header.Get("Retry-After"); after == "" || after == "0" {
			t.Errorf("Retry-After: got %q; want seconds", after)
		}
	}
	for _, release := range releases {
		release()
	}
	for range 20 {
		w.do("POST", "/sharing/messages.json", large).want(200, "")
		w.do("POST", "/sharing/messages.json", large, unsaid).want(200, "")
	}
	if bodies.held != 0 || len(bodies.sites) != 0 || w.handler.small.held != 0 {
		t.Errorf("held afterwards: got %d, %d sites, %d; want nothing", bodies.held, len(bodies.sites), w.handler.small.held)
	}
	if log := w.log.String(); log != "" {
		t.Errorf("log: got %q; want nothing that a client can cause", log)
	}
}

// TestOnlyMessagesAreLarge refuses bodies of other paths that no client needs: some of
// them come without keys.
func TestOnlyMessagesAreLarge(t *testing.T) {
	w := newWorld(t)
	u := w.user("twitter")
	body := `{"request":{}}` + strings.Repeat(" ", smallBody)
	for _, path := range []string{"PUT /users.json", "POST /shorturls.json", "PUT /identities/" + u.Identities[0].Token + "/link.json", "PUT /identities/" + u.Identities[0].Token + "/synchronize.json"} {
		method, path, _ := strings.Cut(path, " ")
		w.do(method, path, body).want(400, fmt.Sprintf("The body is too large; at most %d bytes are taken.", smallBody))
	}
}

// TestManyValues refuses bodies that become far larger when they are decoded, before
// they are.
func TestManyValues(t *testing.T) {
	w := newWorld(t)
	u := w.user("twitter")
	message := func(providers, parts string) string {
		return fmt.Sprintf(`{"request":{"sharing_message":{"publish_for_user":{"user_token":%q,"providers":[%s]},"parts":%s}}}`, u.Token, providers, parts)
	}
	many := maxValues + 1
	for name, body := range map[string]string{
		"uploads":      message(`"twitter"`, `{"uploads":[`+strings.Repeat("{},", many)+`{}]}`),
		"providers":    message(strings.Repeat(`"",`, many)+`""`, `{"text":{"body":"Hello"}}`),
		"objects":      message(`"twitter"`, `{"text":{"body":"Hello"},"x":`+strings.Repeat(`{"x":`, many)+`1`+strings.Repeat("}", many)+`}`),
		"lists":        message(`"twitter"`, `{"text":{"body":"Hello"},"x":`+strings.Repeat("[", many)+strings.Repeat("]", many)+`}`),
		"the same one": `{` + strings.Repeat(`"request":{},`, many) + `"request":{}}`,
	} {
		t.Run(name, func(t *testing.T) {
			w.do("POST", "/sharing/messages.json", body).want(400, "The body has too many values")
		})
	}
	// What a message may hold at most is no such body.
	text := strings.Repeat(",", 256<<10)
	upload := base64.StdEncoding.EncodeToString(append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x02\x00\x00\x00\x90wS\xde"), make([]byte, 1<<20)...))
	w.do("POST", "/sharing/messages.json", message(`"twitter"`, fmt.Sprintf(`{"text":{"body":%q},"uploads":[{"name":"a.png","data":%q}]}`, text, upload))).want(200, "")
}

package oneall

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"herald.example/internal/share"
)

// TestLargeBodies holds all the room for large bodies, and finds that small ones do
// not care, that large ones are refused, and that the room comes back.
func TestLargeBodies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		u := w.user("twitter")
		text := fmt.Sprintf(`{"request":{"sharing_message":{"publish_for_user":{"user_token":%q,"providers":["twitter"]},"parts":{"text":{"body":"Hello"}}}}}`, u.Token)
		large := text + strings.Repeat(" ", smallBody)
		unsaid := func(r *http.Request) { r.ContentLength = -1 }
		bodies := w.handler.large
		var holds []*share.Hold
		for _, site := range []string{"other", w.site.ID} {
			hold, err := bodies.Take(t.Context(), site, bodies.Share())
			if err != nil {
				t.Fatal(err)
			}
			holds = append(holds, hold)
		}
		for _, options := range [][]func(*http.Request){nil, {unsaid}} {
			w.do("POST", "/sharing/messages.json", text, options...).want(200, "")
			got := w.do("POST", "/sharing/messages.json", large, options...).want(503, "The server has as much in hand as it can")
			if after := got.header.Get("Retry-After"); after == "" || after == "0" {
				t.Errorf("Retry-After: got %q; want seconds", after)
			}
		}
		for _, hold := range holds {
			hold.Release()
		}
		for range 20 {
			w.do("POST", "/sharing/messages.json", large).want(200, "")
			w.do("POST", "/sharing/messages.json", large, unsaid).want(200, "")
		}
		if large, small := bodies.Held(), w.handler.small.Held(); large != 0 || small != 0 {
			t.Errorf("held afterwards: got %d and %d; want nothing", large, small)
		}
		if log := w.log.String(); log != "" {
			t.Errorf("log: got %q; want nothing that a client can cause", log)
		}
	})
}

// TestReads reads lists while a site has all its reads in hand, and afterwards.
func TestReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		u := w.user("twitter")
		_, others := w.addSite("others")
		pool := w.handler.reads
		hold, err := pool.Take(t.Context(), w.site.ID, pool.Share())
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"/users.json", "/sharing/messages.json", "/users/" + u.Token + ".json"} {
			w.do("GET", path, "").want(503, "The server has as much in hand as it can")
			w.send("GET", "/users.json", "", asSite(others)).want(200)
		}
		hold.Release()
		for range 2 * reads {
			w.do("GET", "/users.json", "").want(200)
			w.do("GET", "/users/0c0ffee0-0000-4000-8000-000000000000.json", "").want(404)
		}
		if got := pool.Held(); got != 0 {
			t.Errorf("held afterwards: got %d; want 0", got)
		}
	})
}

// slowWriter is a client that does not read.
type slowWriter struct {
	http.ResponseWriter
	held func() int64
	got  int64
}

func (s *slowWriter) Write(b []byte) (int, error) {
	s.got = s.held()
	return len(b), nil
}

// TestAnswersAreHeld: an answer has room as long as somebody reads it, and no more than
// it needs.
func TestAnswersAreHeld(t *testing.T) {
	w := newWorld(t)
	for range 50 {
		w.user("twitter")
	}
	r := httptest.NewRequest("GET", "/users.json", nil)
	asSite(w.keys)(r)
	recorder := httptest.NewRecorder()
	slow := &slowWriter{ResponseWriter: recorder, held: w.handler.reads.Held}
	w.handler.ServeHTTP(slow, r)
	if want := recorder.Header().Get("Content-Length"); fmt.Sprint(slow.got) != want {
		t.Errorf("held while it is written: got %d bytes; want the answer's %s", slow.got, want)
	}
	if got := w.handler.reads.Held(); got != 0 {
		t.Errorf("held afterwards: got %d; want 0", got)
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

// TestRefusedBodiesAreRead answers clients that send everything before they look for
// an answer, and does not ask those for their body who send it when they are asked.
func TestRefusedBodiesAreRead(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.MaxBody = 8 << 20 })
	server := httptest.NewServer(w.handler)
	defer server.Close()
	keys := base64.StdEncoding.EncodeToString([]byte(w.keys.Public + ":" + string(w.keys.Private)))
	exchange := func(more string, send int) (*http.Response, error) {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			return nil, err
		}
		defer conn.Close()
		if _, err := fmt.Fprintf(conn, "POST /sharing/messages.json HTTP/1.1\r\nHost: x\r\nAuthorization: Basic %s\r\nContent-Length: %d\r\n%s\r\n", keys, 12<<20, more); err != nil {
			return nil, err
		}
		for block := make([]byte, 1<<20); send > 0; send -= len(block) {
			if _, err := conn.Write(block); err != nil {
				return nil, err
			}
		}
		return http.ReadResponse(bufio.NewReader(conn), nil)
	}
	for name, test := range map[string]struct {
		more string
		send int
	}{"sent at once": {"", 12 << 20}, "sent when asked": {"Expect: 100-continue\r\n", 0}} {
		t.Run(name, func(t *testing.T) {
			answer, err := exchange(test.more, test.send)
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			if answer.StatusCode != 400 {
				t.Errorf("got %d; want 400", answer.StatusCode)
			}
		})
	}
}

package gigya

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// quirks makes requests as clients write them: contract, sections 2 and 3.
type quirks struct{ *rand.Rand }

// one chooses.
func one[T any](q quirks, choices ...T) T { return choices[q.IntN(len(choices))] }

// texts are what values are made of.
var texts = []string{
	"a", "Z", "0", " ", "  ", "+", "%", "%41", "%20", "&", "=", "/", "?", "#", ";", ",", ":", "@", "*", "'", "(", ")", "!", "~", "-", "_", ".", "\\", "\"", "{", "}", "[", "]",
	"é", "ß", "語", "\U0001F600", "\u2028", "\x00", "\n", "\r\n", "<b>", "https://www.example.com/a?b=1&c=2", `{"title":"Hello world"}`,
}

// value makes a value, sometimes an empty one.
func (q quirks) value() string {
	var s strings.Builder
	for range q.IntN(8) {
		s.WriteString(one(q, texts...))
	}
	return s.String()
}

// write encodes a name or a value in one of the ways that a form allows.
func (q quirks) write(s string) string {
	blank, hex, careful := one(q, "+", "%20"), one(q, "%%%02X", "%%%02x"), q.IntN(2) == 0
	var out strings.Builder
	for _, c := range []byte(s) {
		switch {
		case c == ' ':
			out.WriteString(blank)
		case 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0,
			!careful && strings.IndexByte(";*'()!:@,/?", c) >= 0:
			out.WriteByte(c)
		default:
			fmt.Fprintf(&out, hex, c)
		}
	}
	return out.String()
}

// sent is a request as bytes, and what it means.
type sent struct {
	head, body string
	expect     bool
	list       [][2]string // in the order of arrival, without sig
}

// request makes a signed request. A broken one has a value that was not signed so.
func (q quirks) request(n int, broken bool) sent {
	secret := siteSecret
	list := [][2]string{
		{one(q, "apiKey", "APIKey", "ApiKey", "apikey"), apiKey},
		{one(q, "timestamp", "TimeStamp"), one(q, "1700000000", "1700000000000", "1700000119", "1699999881")},
		{"nonce", fmt.Sprintf("%d_%d", n, q.Int64())},
	}
	if q.IntN(3) == 0 {
		list, secret = append(list, [2]string{one(q, "userKey", "userkey"), userKey}), userSecret
	}
	for i := range q.IntN(12) {
		name := one(q, "cid", "tags", "userAction", "sdk", "gmid", "x y", "größe", "A;b", "a[]", "(odd)!~*'", "percent%41", "dots.in.name", "_")
		list = append(list, [2]string{fmt.Sprintf("%s%d", name, i), q.value()})
	}
	q.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })

	verb := one(q, "POST", "POST", "GET")
	host := one(q, "socialize.us1.gigya.com", "Accounts.US1.gigya.com", "localhost", "127.0.0.1") + one(q, "", ":8080", ":80", ":443")
	path := one(q, "/socialize.shortenURL", "/socialize.shortenurl")
	scheme := one(q, "http", "https")
	signedHost := strings.ToLower(host)
	name, port, _ := strings.Cut(signedHost, ":")
	if scheme == "http" && port == "80" || scheme == "https" && port == "443" || q.IntN(2) == 0 { // the last is .NET's way
		signedHost = name
	}
	sig := recipe(secret, verb, scheme+"://"+signedHost+path, list)
	at := q.IntN(len(list) + 1) // what follows is in the body
	if verb == "GET" {
		at = len(list)
	}
	if broken {
		list[q.IntN(len(list))][1] += "x"
	}
	written := func(pairs [][2]string) string {
		var form []string
		for _, p := range pairs {
			text := q.write(p[0]) + "=" + q.write(p[1])
			if p[1] == "" && q.IntN(2) == 0 {
				text = q.write(p[0])
			}
			form = append(form, text)
		}
		return strings.Join(form, "&")
	}
	query, body := written(list[:at]), written(list[at:])
	sigPair := "sig=" + one(q, strings.NewReplacer("+", "%2B", "/", "%2F", "=", "%3D").Replace(sig), sig)
	if verb == "GET" || q.IntN(4) == 0 {
		query += "&" + sigPair
	} else {
		body += "&" + sigPair
	}
	target := path
	if query != "" {
		target += "?" + query
	}
	if q.IntN(4) == 0 {
		target = "http://" + host + target // as through a proxy
	}
	s := sent{body: body, list: list}
	s.head = fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\nX-Connection: Keep-Alive\r\n", verb, target, host)
	if body != "" {
		s.head += "Content-Type: application/x-www-form-urlencoded" + one(q, "", "; charset=utf-8") + "\r\n"
		if s.expect = q.IntN(4) == 0; s.expect {
			s.head += "Expect: 100-continue\r\n"
		}
		if q.IntN(3) == 0 {
			s.head += "Transfer-Encoding: chunked\r\n"
			cut := q.IntN(len(body))
			s.body = ""
			for _, chunk := range []string{body[:cut], body[cut:]} {
				if chunk != "" {
					s.body += fmt.Sprintf("%x\r\n%s\r\n", len(chunk), chunk)
				}
			}
			s.body += "0\r\n\r\n"
		} else {
			s.head += fmt.Sprintf("Content-Length: %d\r\n", len(body))
		}
	}
	s.head += "\r\n"
	return s
}

// TestRandomRequests sends 1,000 requests with every quirk, signed from the recipe by
// other means than ours, over a connection. Every tenth is broken.
func TestRandomRequests(t *testing.T) {
	w := newWorld(t)
	server := httptest.NewServer(w.handler)
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	replies := bufio.NewReader(conn)
	read := func(want int) []byte {
		t.Helper()
		response, err := http.ReadResponse(replies, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != want || want == 200 && response.ContentLength < 0 {
			t.Fatalf("got HTTP %d with length %d, %v: %s; want %d", response.StatusCode, response.ContentLength, err, body, want)
		}
		return body
	}
	q := quirks{rand.New(rand.NewPCG(4, 18))}
	for n := range 1000 {
		broken := n%10 == 9
		s := q.request(n, broken)
		w.last = nil
		if s.expect {
			_, err = io.WriteString(conn, s.head)
			if err == nil {
				read(http.StatusContinue)
				_, err = io.WriteString(conn, s.body)
			}
		} else {
			_, err = io.WriteString(conn, s.head+s.body)
		}
		if err != nil {
			t.Fatal(err)
		}
		raw := read(http.StatusOK)
		var doc struct{ ErrorCode int }
		if err := json.Unmarshal(raw, &doc); err != nil {
			t.Fatalf("got %q: %v", raw, err)
		}
		if broken {
			if doc.ErrorCode == 0 {
				t.Fatalf("request %d, broken: got success\n%s%s", n, s.head, s.body)
			}
			continue
		}
		if doc.ErrorCode != 0 || w.last == nil {
			t.Fatalf("request %d: got %s; want success\n%s%s", n, raw, s.head, s.body)
		}
		var got [][2]string
		for _, p := range w.last.parameters.list {
			if p.name != "sig" {
				got = append(got, [2]string{p.name, p.value})
			}
		}
		if !slices.Equal(got, s.list) {
			t.Fatalf("request %d: parameters (-want +got):\n%s", n, cmp.Diff(s.list, got))
		}
	}
}

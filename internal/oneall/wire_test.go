package oneall

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

// sorted is s in order.
func sorted(s []string) []string {
	slices.Sort(s)
	return s
}

// TestOnTheWire sends requests as clients write them to a real server, and reads the
// answers byte by byte: no chunks, no redirects, always a whole envelope, and the
// connection goes on.
func TestOnTheWire(t *testing.T) {
	w := newWorld(t)
	u := w.user("twitter")
	for i := range 300 { // long enough for net/http to send chunks by itself
		w.shorten(fmt.Sprintf("http://www.example.com/%d", i))
	}
	server := httptest.NewServer(w.handler)
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	answers := bufio.NewReader(conn)
	auth := "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(w.keys.Public+":"+string(w.keys.Private))) + "\r\n"
	body := sharing(u.Token, []string{"twitter"}, trackedParts)
	withBody := func(head, body string) string {
		return fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", head, len(body), body)
	}
	tests := []struct {
		name, request string
		code          int
	}{
		{"php-sdk with curl", withBody("POST /sharing/messages.json HTTP/1.1\r\nHost: acme.api.herald.test\r\n"+auth+"Accept: */*\r\nContent-Type: application/json\r\n", body), 200},
		{"php-sdk with a socket", withBody("POST /sharing/messages.json HTTP/1.1\r\nHost: acme.api.herald.test\r\n"+auth+"User-Agent: SocialSharing\r\n", body), 200},
		{"php examples", withBody("POST /sharing/messages.json HTTP/1.1\r\nHost: 127.0.0.1\r\n"+auth+"Content-Type: application/x-www-form-urlencoded\r\n", body), 200},
		{"node, with a slash too many", withBody("POST //sharing/messages.json HTTP/1.1\r\nhost: 127.0.0.1\r\n"+strings.ToLower(auth[:len("Authorization")])+auth[len("Authorization"):], body), 200},
		{"chunks", "POST /sharing/messages.json HTTP/1.1\r\nHost: x\r\n" + auth + "Transfer-Encoding: chunked\r\n\r\n" + fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body), 200},
		{"100-continue", withBody("POST /sharing/messages.json HTTP/1.1\r\nHost: x\r\n"+auth+"Expect: 100-continue\r\n", body), 200},
		{"a long list", "GET /shorturls.json?page=1&entries_per_page=250&order_direction=asc HTTP/1.1\r\nHost: x\r\n" + auth + "\r\n", 200},
		{"zipped, please", "GET /shorturls.json HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n" + auth + "\r\n", 200},
		{"node deletes", "DELETE /users/0c0ffee0-0000-4000-8000-000000000000.json?confirm_deletion=true HTTP/1.1\r\nHost: x\r\n" + auth + "Content-Length: 0\r\n\r\n", 404},
		{"php examples delete", withBody("DELETE /users/0c0ffee0-0000-4000-8000-000000000000.json?confirm_deletion=true HTTP/1.1\r\nHost: x\r\n"+auth, body), 404},
		{"HEAD", "HEAD /shorturls.json HTTP/1.1\r\nHost: x\r\n" + auth + "\r\n", 200},
		{"OPTIONS", "OPTIONS /shorturls.json HTTP/1.1\r\nHost: x\r\n\r\n", 405},
		{"no keys", withBody("POST /sharing/messages.json HTTP/1.1\r\nHost: x\r\n", body), 401},
		{"HTTP/1.0", "GET /tools/ping.json HTTP/1.0\r\nConnection: keep-alive\r\n" + auth + "\r\n", 200},
		{"absolute form", "GET http://acme.api.herald.test/tools/ping.json HTTP/1.1\r\nHost: ignored\r\n" + auth + "\r\n", 200},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if _, err := io.WriteString(conn, test.request); err != nil {
				t.Fatal(err)
			}
			method, _, _ := strings.Cut(test.request, " ")
			response, err := http.ReadResponse(answers, &http.Request{Method: method})
			if err == nil && response.StatusCode == http.StatusContinue {
				response, err = http.ReadResponse(answers, &http.Request{Method: method})
			}
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			raw, err := io.ReadAll(response.Body)
			if err != nil {
				t.Fatal(err)
			}
			if response.StatusCode != test.code || response.ContentLength < 0 || len(response.TransferEncoding) > 0 || response.Header.Get("Content-Encoding") != "" {
				t.Errorf("got %s, length %d, encodings %v %q: %s; want %d", response.Status, response.ContentLength, response.TransferEncoding, response.Header.Get("Content-Encoding"), raw, test.code)
			}
			if method == "HEAD" {
				return
			}
			if !json.Valid(raw) || int64(len(raw)) != response.ContentLength {
				t.Errorf("got %s; want an envelope of %d bytes", raw, response.ContentLength)
			}
		})
	}
}

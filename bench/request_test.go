//go:build linux

package bench

import (
	"bufio"
	"bytes"
	"net/http"
	"strings"
	"testing"
)

func TestRequestsAreGood(t *testing.T) {
	all := requests()
	if got, want := len(all), 63; got != want {
		t.Errorf("requests: got %d; want %d", got, want)
	}
	sum := 0
	for _, b := range all {
		Set(1000).AppendSlug(b[:slugAt], 7)
		sum += len(b)
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(b)))
		if err != nil {
			t.Fatalf("request %q: %v", b, err)
		}
		if want := "/" + string(Set(1000).AppendSlug(nil, 7)); r.URL.Path != want || r.Host != Domain || r.UserAgent() == "" {
			t.Errorf("request: got path %q, host %q, agent %q; want path %q, host %q and an agent", r.URL.Path, r.Host, r.UserAgent(), want, Domain)
		}
	}
	if mean := sum / len(all); mean < 350 || mean > 450 {
		t.Errorf("mean length of a request: got %d; want about 400", mean)
	}
}

func TestResponse(t *testing.T) {
	const (
		short = "HTTP/1.1 302 Found\r\nLocation: https://example.com/\r\nContent-Length: 0\r\n\r\n"
		body  = "HTTP/1.1 302 Found\r\nContent-Length: 3\r\nLocation: https://example.com/a\r\n\r\nabc"
	)
	tests := []struct {
		name, in string
		length   int
		target   string
		fails    bool
	}{
		{name: "complete", in: short, length: len(short), target: "https://example.com/"},
		{name: "two", in: short + short, length: len(short), target: "https://example.com/"},
		{name: "with a body", in: body, length: len(body), target: "https://example.com/a"},
		{name: "nothing yet"},
		{name: "half a header", in: short[:40]},
		{name: "half a body", in: body[:len(body)-1]},
		{name: "no location", in: "HTTP/1.1 302 Found\r\n\r\n", length: 22},
		{name: "not found", in: "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", fails: true},
		{name: "no number", in: "HTTP/1.1 302 Found\r\nContent-Length: x\r\n\r\n", fails: true},
		{name: "negative", in: "HTTP/1.1 302 Found\r\nContent-Length: -1\r\n\r\n", fails: true},
		{name: "enormous", in: "HTTP/1.1 302 Found\r\nContent-Length: 9223372036854775807\r\n\r\n", fails: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			length, target, err := response([]byte(test.in))
			if length != test.length || string(target) != test.target || (err != nil) != test.fails {
				t.Errorf("got %d, %q, %v; want %d, %q, failure %v", length, target, err, test.length, test.target, test.fails)
			}
		})
	}
}

func FuzzResponse(f *testing.F) {
	f.Add([]byte("HTTP/1.1 302 Found\r\nLocation: https://example.com/\r\nContent-Length: 3\r\n\r\nabc"))
	f.Add([]byte("HTTP/1.1 302 \r\nContent-Length: \r\n\r\n"))
	f.Add([]byte("HTTP/1.1 302 \r\nLocation: \r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		length, target, err := response(b)
		if length < 0 || length > len(b) {
			t.Fatalf("length: got %d of %d bytes", length, len(b))
		}
		if length > 0 && err != nil || bytes.ContainsRune(target, '\r') {
			t.Fatalf("got %d, %q, %v; want a response or an error", length, target, err)
		}
		if length == 0 {
			return
		}
		// What follows the response must not change it.
		again, same, err := response([]byte(string(b) + "HTTP/1.1 404\r\n\r\n"))
		if again != length || !bytes.Equal(same, target) || err != nil {
			t.Fatalf("with more behind it: got %d, %q, %v; want %d, %q", again, same, err, length, target)
		}
	})
}

func TestReadResponse(t *testing.T) {
	const answer = "HTTP/1.1 302 Found\r\nLocation: https://example.com/\r\nContent-Length: 0\r\n\r\n"
	r := bufio.NewReader(strings.NewReader(strings.Repeat(answer, 100) + answer[:20]))
	for i := range 100 {
		if err := readResponse(r, []byte("https://example.com/")); err != nil {
			t.Fatalf("response %d: %v", i, err)
		}
	}
	if err := readResponse(r, nil); err == nil {
		t.Error("the torn response was taken for one")
	}
	if err := readResponse(bufio.NewReader(strings.NewReader(answer)), []byte("https://example.org/")); err == nil {
		t.Error("the wrong Location was not noticed")
	}
}

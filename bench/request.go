//go:build linux

package bench

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

// agents are what visitors call themselves; the last is a preview fetcher.
var agents = []string{
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0",
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101 Firefox/144.0",
	"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15",
	"Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
	"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
	"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36",
	"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36",
	"facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
}

// referrers are the pages that visitors come from; with none, the header is
// left out.
var referrers = []string{
	"",
	"https://www.facebook.com/",
	"https://t.co/",
	"https://www.linkedin.com/feed/",
	"https://mastodon.example/@someone/113512345678901234",
	"https://news.example.org/articles/2026/11/21/a-longer-path-to-an-article.html",
	"https://www.google.com/",
}

// slugAt is where the slug stands in a request.
const slugAt = len("GET /")

// requests are the combinations of agents and referrers, about 400 bytes each.
// The slug is left to be written over the zeros at slugAt.
func requests() [][]byte {
	var all [][]byte
	for _, agent := range agents {
		for _, referrer := range referrers {
			var b bytes.Buffer
			fmt.Fprintf(&b, "GET /%0*d HTTP/1.1\r\nHost: %s\r\nUser-Agent: %s\r\n", slugLen, 0, Domain, agent)
			b.WriteString("Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n")
			b.WriteString("Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n")
			if referrer != "" {
				fmt.Fprintf(&b, "Referer: %s\r\n", referrer)
			}
			b.WriteString("Upgrade-Insecure-Requests: 1\r\n\r\n")
			all = append(all, b.Bytes())
		}
	}
	return all
}

var (
	endOfHeader   = []byte("\r\n\r\n")
	contentLength = []byte("\r\nContent-Length: ")
	location      = []byte("\r\nLocation: ")
	found         = []byte("HTTP/1.1 302 ")
)

// maxBody bounds the body that a redirect may have: more would be an answer of
// another kind.
const maxBody = 1 << 20

// errResponse is returned when a server answers anything but the redirect it was
// asked for.
var errResponse = errors.New("wrong response")

// response finds the first response in b and returns its length, 0 while it is
// not complete, and its Location, borrowed from b. It understands what the servers
// under test send: status 302, and a body only with its length.
func response(b []byte) (length int, target []byte, err error) {
	end := bytes.Index(b, endOfHeader)
	if end < 0 {
		return 0, nil, nil
	}
	if !bytes.HasPrefix(b, found) {
		return 0, nil, fmt.Errorf("%w: got %q; want status 302", errResponse, b[:end])
	}
	header := b[:end+2]
	length = end + len(endOfHeader)
	if text, ok := value(header, contentLength); ok {
		n, err := strconv.Atoi(string(text))
		if err != nil || n < 0 || n > maxBody {
			return 0, nil, fmt.Errorf("%w: content length %q", errResponse, text)
		}
		length += n
	}
	if length > len(b) {
		return 0, nil, nil
	}
	target, _ = value(header, location)
	return length, target, nil
}

// value returns the value of the header field that name, with the line break
// before it and the colon after it, introduces.
func value(header, name []byte) ([]byte, bool) {
	at := bytes.Index(header, name)
	if at < 0 {
		return nil, false
	}
	rest := header[at+len(name):]
	return rest[:bytes.IndexByte(rest, '\r')], true
}

package network

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"herald.example/internal/publish"
	"herald.example/internal/site"
)

// maxWait is the longest wait that a network is believed. The outbox gives up
// sooner.
const maxWait = 30 * 24 * time.Hour

// RetryAfter is how long a network asks to wait: Retry-After in seconds or as a
// date, seen from now. It is 0 when the header is missing or makes no sense, and at
// most 30 days.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.ParseUint(text, 10, 63); err == nil {
		return time.Duration(min(seconds, uint64(maxWait/time.Second))) * time.Second
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return Until(at, now)
}

// Until is the wait from now to at, as a network says it: not negative, and at
// most 30 days.
func Until(at, now time.Time) time.Duration {
	return max(0, min(at.Sub(now), maxWait))
}

// Words makes a network's words safe to keep and to show: one line of valid UTF-8
// without control characters, at most publish.MaxRefusal bytes. It is empty for
// HTML, which is a server's page and not for people who publish.
func Words(body []byte) string {
	body = bytes.TrimSpace(body)
	if bytes.HasPrefix(body, []byte("<")) || isHTML(body) {
		return ""
	}
	var b strings.Builder
	space := false // one is due before the next rune
	for len(body) > 0 {
		r, size := utf8.DecodeRune(body)
		body = body[size:]
		if unicode.IsSpace(r) || unicode.IsControl(r) {
			space = b.Len() > 0
			continue
		}
		if !unicode.IsPrint(r) { // also marks that turn the direction of writing
			continue
		}
		need := utf8.RuneLen(r)
		if space {
			need++
		}
		if b.Len()+need > publish.MaxRefusal {
			break
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(r)
	}
	return b.String()
}

// isHTML says whether a page begins in the first bytes of body, behind a byte
// order mark or a line of text.
func isHTML(body []byte) bool {
	head := bytes.ToLower(body[:min(len(body), 1<<10)])
	return bytes.Contains(head, []byte("<html")) || bytes.Contains(head, []byte("<!doctype"))
}

// Mask hides the secrets of credentials that a network may have repeated in text.
// It comes before Words, which could cut a secret and so hide it from Mask.
func Mask(text []byte, c site.Credentials) []byte {
	secrets := []site.Secret{c.Access, c.Refresh, c.Secret}
	for _, s := range c.Extra {
		secrets = append(secrets, s)
	}
	for _, s := range secrets {
		if len(s) >= minSecret {
			text = bytes.ReplaceAll(text, []byte(s), []byte("[secret]"))
		}
	}
	return text
}

// minSecret is the length in bytes below which something is no secret but a word
// that happens to stand in Extra.
const minSecret = 6

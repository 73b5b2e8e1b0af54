package network_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"herald.example/internal/network"
	"herald.example/internal/publish"
	"herald.example/internal/site"
)

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
	for _, test := range []struct {
		value string
		want  time.Duration
	}{
		{"", 0}, {"0", 0}, {"7", 7 * time.Second}, {" 120 ", 2 * time.Minute}, {"-5", 0}, {"1.5", 0}, {"soon", 0},
		{"2592001", 30 * 24 * time.Hour}, {"99999999999999999999999999", 0}, {"9223372036854775807", 30 * 24 * time.Hour},
		{"Wed, 06 May 2026 07:09:09 GMT", time.Minute}, {"Wed, 06 May 2026 07:08:00 GMT", 0}, {"Fri, 31 Dec 9999 23:59:59 GMT", 30 * 24 * time.Hour},
		{"Wednesday, 06-May-26 07:09:09 GMT", time.Minute},
	} {
		if got := network.RetryAfter(http.Header{"Retry-After": {test.value}}, now); got != test.want {
			t.Errorf("%q: got %v; want %v", test.value, got, test.want)
		}
	}
	if got := network.RetryAfter(nil, now); got != 0 {
		t.Errorf("no header: got %v; want 0", got)
	}
}

func TestWords(t *testing.T) {
	for _, test := range []struct{ name, in, want string }{
		{"nothing", "", ""},
		{"words", "Too many requests", "Too many requests"},
		{"lines", "  one\r\n\ttwo\u2028three  ", "one two three"},
		{"control characters", "a\x00b\x1b[31mc\x7f", "a b [31mc"},
		{"turned writing", "a\u202eb\u200bc\ufeff", "abc"},
		{"broken UTF-8", "a\xffb", "a\ufffdb"},
		{"page", "\n<!DOCTYPE html><html><body>Error</body></html>", ""},
		{"page behind a mark", "\ufeff<HTML>", ""},
		{"page behind words", "Error\n<html>", ""},
		{"XML", "<?xml version='1.0'?><error/>", ""},
		{"a smaller sign", "1 < 2", "1 < 2"},
		{"long", strings.Repeat("é", publish.MaxRefusal), strings.Repeat("é", publish.MaxRefusal/2)},
		{"long words", strings.Repeat("abcd ", publish.MaxRefusal), strings.TrimSpace(strings.Repeat("abcd ", publish.MaxRefusal/5))},
	} {
		if got := network.Words([]byte(test.in)); got != test.want {
			t.Errorf("%s: got %q; want %q", test.name, got, test.want)
		}
	}
}

func TestMask(t *testing.T) {
	c := site.Credentials{Access: "access-1", Refresh: "refresh-1", Secret: "secret-1", Extra: map[string]site.Secret{"dpop": "dpop-key", "kind": "page"}}
	got := string(network.Mask([]byte("access-1 refresh-1 secret-1 dpop-key page access-1"), c))
	if want := "[secret] [secret] [secret] [secret] page [secret]"; got != want {
		t.Errorf("got %q; want %q", got, want)
	}
	if got := string(network.Mask([]byte("words"), site.Credentials{})); got != "words" {
		t.Errorf("without secrets: got %q; want words", got)
	}
}

func FuzzWords(f *testing.F) {
	for _, seed := range []string{"", "words", "<html>", "a\x00\xff\u202e\u2028", strings.Repeat("日 ", 300)} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got := network.Words(body)
		if len(got) > publish.MaxRefusal || !utf8.ValidString(got) || strings.TrimSpace(got) != got {
			t.Errorf("got %q; want at most %d bytes of valid UTF-8, trimmed", got, publish.MaxRefusal)
		}
		if i := strings.IndexFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
			t.Errorf("got %q; want nothing that does not print", got)
		}
	})
}

package site

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func FuzzCleanText(f *testing.F) {
	for _, s := range []string{"", "plain", "two\nlines", "a\r\x1b[31m\x00b", "\xff\xfe", "\u00e9\u0301\U0001F469\u200D\U0001F4BB", strings.Repeat("\u00e4", 10), "\u0085\u2028"} {
		f.Add(s, 9)
	}
	f.Fuzz(func(t *testing.T, s string, limit int) {
		limit = max(limit%1000, 0)
		got := cleanText(s, limit)
		if len(got) > limit || !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return r != '\n' && unicode.IsControl(r) }) {
			t.Errorf("got %q; want valid UTF-8 without control characters within %d bytes", got, limit)
		}
		if plain := len(s) <= limit && utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || r == utf8.RuneError }); plain && got != s {
			t.Errorf("got %q; want %q as it is", got, s)
		}
		if again := cleanText(got, limit); again != got {
			t.Errorf("cleaned again: got %q; want %q", again, got)
		}
	})
}

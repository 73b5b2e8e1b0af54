package link

import (
	"errors"
	"strings"
	"testing"
)

func TestCheckSlug(t *testing.T) {
	for _, tt := range []struct {
		name, slug string
		want       error
	}{
		{"token", "8WEtk2a", nil},
		{"one character", "a", nil},
		{"longest", strings.Repeat("a", MaxSlug), nil},
		{"hyphen and underscore", "-my_alias-", nil},
		{"reserved word inside", "api2", nil},
		{"zeros of the alphabet", "AAAAAAA", nil},

		{"empty", "", ErrSlug},
		{"one too long", strings.Repeat("a", MaxSlug+1), ErrSlug},
		{"reserved", "admin", ErrSlug},
		{"reserved in capitals", "ADMIN", ErrSlug},
		{"reserved in mixed case", "HealthZ", ErrSlug},
		{"reserved with hyphen", "Well-Known", ErrSlug},
		{"percent-encoded", "%41BC", ErrSlug},
		{"percent-encoded slash", "a%2Fb", ErrSlug},
		{"NUL", "abc\x00", ErrSlug},
		{"NUL first", "\x00abc", ErrSlug},
		{"slash", "a/b", ErrSlug},
		{"dot", "robots.txt", ErrSlug},
		{"dots", "..", ErrSlug},
		{"plus", "abc+", ErrSlug},
		{"space", "a b", ErrSlug},
		{"newline", "abc\n", ErrSlug},
		{"letter outside ASCII", "é", ErrSlug},
		{"fullwidth letter", "ａ", ErrSlug},
		{"Kelvin sign", "\u212a", ErrSlug},
		{"invalid UTF-8", "a\xff", ErrSlug},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := CheckSlug(tt.slug); !errors.Is(got, tt.want) {
				t.Errorf("CheckSlug(%q): got %v; want %v", tt.slug, got, tt.want)
			}
		})
	}
}

func TestReservedWordsAreLowerCaseSlugs(t *testing.T) {
	for word := range reserved {
		if word != strings.ToLower(word) || SlugLen([]byte(word)) != len(word) {
			t.Errorf("reserved word %q can never be met", word)
		}
		if CheckSlug(word) == nil || CheckSlug(strings.ToUpper(word)) == nil {
			t.Errorf("CheckSlug(%q): got nil; want %v", word, ErrSlug)
		}
	}
}

func FuzzCheckSlug(f *testing.F) {
	for _, seed := range []string{"8WEtk2a", "", "Admin", "a%2Fb", "a\x00", "é", strings.Repeat("a", 65), "-_"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, slug string) {
		ok := len(slug) >= 1 && len(slug) <= MaxSlug && !reserved[strings.ToLower(slug)]
		for i := range len(slug) {
			ok = ok && strings.IndexByte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", slug[i]) >= 0
		}
		if got := CheckSlug(slug) == nil; got != ok {
			t.Fatalf("CheckSlug(%q): got accepted %t; want %t", slug, got, ok)
		}
		if n := SlugLen([]byte(slug)); ok && n != len(slug) {
			t.Fatalf("SlugLen(%q): got %d; want %d", slug, n, len(slug))
		}
	})
}

func TestSlugLen(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want int
	}{
		{"", 0}, {"abc", 3}, {"abc).", 3}, {"abc/def", 3}, {"+", 0}, {"a-b_c", 5}, {"a\x00b", 1}, {"aé", 1},
	} {
		if got := SlugLen([]byte(tt.in)); got != tt.want {
			t.Errorf("SlugLen(%q): got %d; want %d", tt.in, got, tt.want)
		}
	}
}

func TestNewToken(t *testing.T) {
	for length := MinToken; length <= MaxToken; length++ {
		const draws = 4000
		seen := make(map[string]bool)
		digits := make([][256]int, length) // of each position
		for range draws {
			token := NewToken(length)
			if len(token) != length || CheckSlug(token) != nil || strings.ContainsAny(token, "-_") {
				t.Fatalf("NewToken(%d): got %q", length, token)
			}
			seen[token] = true
			for i := range length {
				digits[i][token[i]]++
			}
		}
		// 4,000 draws from the smallest space, 62^5, hold 0.01 pairs on average.
		if len(seen) < draws-3 {
			t.Errorf("NewToken(%d): got %d different tokens of %d", length, len(seen), draws)
		}
		// Chi-square over 62 digits, 61 degrees of freedom: 61 on average, above
		// 150 once in a billion.
		for i := range length {
			chi, used := 0.0, 0
			for _, n := range digits[i] {
				if n > 0 {
					used++
					chi += (float64(n) - draws/62.0) * (float64(n) - draws/62.0) / (draws / 62.0)
				}
			}
			if used != 62 || chi > 150 {
				t.Errorf("NewToken(%d), position %d: got %d digits, chi-square %.0f; want 62, at most 150", length, i, used, chi)
			}
		}
	}
}

func TestNewTokenRefusesOtherLengths(t *testing.T) {
	for _, length := range []int{-1, 0, MinToken - 1, MaxToken + 1} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("NewToken(%d): got a token; want a panic", length)
				}
			}()
			NewToken(length)
		}()
	}
}

// Every number below 62^n has its own spelling of n digits, so equally likely
// numbers are equally likely tokens. Shorter and longer spellings of the same
// number are slugs of their own: no token is an alias of another.
func TestAppendNumberIsOneToOne(t *testing.T) {
	seen := make(map[string]uint64)
	for n := 1; n <= 3; n++ {
		space := uint64(1)
		for range n {
			space *= 62
		}
		for v := range space {
			token := string(appendNumber(nil, v, n))
			if len(token) != n || CheckSlug(token) != nil && !reserved[strings.ToLower(token)] {
				t.Fatalf("appendNumber(%d, %d): got %q", v, n, token)
			}
			if other, taken := seen[token]; taken {
				t.Fatalf("appendNumber(%d, %d): got %q, as for %d", v, n, token, other)
			}
			seen[token] = v
		}
	}
	if got, want := len(seen), 62+62*62+62*62*62; got != want {
		t.Errorf("got %d tokens; want %d", got, want)
	}
}

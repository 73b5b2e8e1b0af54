package bluesky

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"herald.example/internal/site"
)

func TestExpiry(t *testing.T) {
	now := time.Unix(1_795_621_899, 0)
	jwt := func(payload string) site.Secret {
		return site.Secret("e30." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + ".c2ln")
	}
	tests := []struct {
		name  string
		token site.Secret
		want  time.Time
	}{
		{"two hours", jwt(`{"scope":"com.atproto.appPass","exp":1795629099}`), time.Unix(1795629099, 0)},
		{"a fraction", jwt(`{"exp":1795629099.5}`), time.Unix(1795629099, 0)},
		{"over already", jwt(`{"exp":1}`), time.Unix(1, 0)},
		{"farther than a year", jwt(`{"exp":1895629099}`), time.Time{}},
		{"beyond all numbers", jwt(`{"exp":1e300}`), time.Time{}},
		{"negative", jwt(`{"exp":-5}`), time.Time{}},
		{"text", jwt(`{"exp":"1795629099"}`), time.Time{}},
		{"without", jwt(`{}`), time.Time{}},
		{"no JSON", jwt(`exp`), time.Time{}},
		{"no base64", "a.!.c", time.Time{}},
		{"no JWT", "abcdef", time.Time{}},
		{"empty", "", time.Time{}},
		{"too long", site.Secret(strings.Repeat("a", maxToken+1)), time.Time{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := expiry(test.token, now); !got.Equal(test.want) {
				t.Errorf("got %v; want %v", got, test.want)
			}
		})
	}
}

func FuzzExpiry(f *testing.F) {
	f.Add("e30.eyJleHAiOjE3OTU2MjkwOTl9.c2ln")
	f.Add("..")
	now := time.Unix(1_795_621_899, 0)
	f.Fuzz(func(t *testing.T, token string) {
		if got := expiry(site.Secret(token), now); !got.IsZero() && (got.Before(time.Unix(0, 0)) || got.After(now.AddDate(1, 0, 0))) {
			t.Errorf("got %v; want a time of this year or none", got)
		}
	})
}

func TestIsToken(t *testing.T) {
	for token, want := range map[site.Secret]bool{"abc.DEF-_~+/=": true, "": false, "a b": false, "a\r\nX: y": false, "ä": false, "a\x7f": false} {
		if got := isToken(token); got != want {
			t.Errorf("isToken(%q): got %v; want %v", string(token), got, want)
		}
	}
}
